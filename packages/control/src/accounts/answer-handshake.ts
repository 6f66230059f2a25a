import type { JsonObject } from '@understudy/core'
import type { Control } from '../context.ts'
import type { Account } from './account.ts'

/** What to answer when a cloud asks, with one of the documents it pushes, whether it may push here. `undefined`: it does not ask. */
export function answerHandshake(control: Pick<Control, 'providers'>, account: Account, documents: readonly unknown[]): JsonObject | undefined {
  const push = control.providers.adapter(account.provider)?.push
  for (const document of documents) {
    const answer = push?.handshake?.(document)
    if (answer !== undefined) return answer
  }
  return undefined
}
