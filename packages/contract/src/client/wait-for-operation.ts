import { sleep, systemClock } from '@understudy/core'
import type { Clock } from '@understudy/core'
import { dataOf } from './client.ts'
import type { UnderstudyClient } from './client.ts'
import type { components } from './generated/openapi.ts'

type Operation = components['schemas']['Operation']

/** The operation had not ended in time. It goes on. */
export class OperationTimeout extends Error {
  readonly operation: Operation
  constructor(operation: Operation, timeoutMs: number) {
    super(`operation ${operation.id} is still ${operation.status} after ${timeoutMs} ms`)
    this.name = 'OperationTimeout'
    this.operation = operation
  }
}

/**
 * Looks again and again until the operation has ended, or is stuck and needs a person, and answers it: whether it has succeeded is
 * in its `status`. Throws `OperationTimeout`, or what the API refused.
 */
export async function waitForOperation(
  client: UnderstudyClient,
  id: string,
  options: { readonly timeoutMs: number; readonly pollMs?: number; readonly signal?: AbortSignal; readonly clock?: Clock },
): Promise<Operation> {
  const clock = options.clock ?? systemClock({ keepAlive: true })
  const untilMs = clock.nowMs() + options.timeoutMs
  for (;;) {
    const operation = await dataOf(client.GET('/v1/operations/{id}', { params: { path: { id } } }))
    if (operation.done || operation.status === 'stuck') return operation
    const leftMs = untilMs - clock.nowMs()
    if (leftMs <= 0) throw new OperationTimeout(operation, options.timeoutMs)
    await sleep(clock, Math.min(options.pollMs ?? 250, leftMs), options.signal)
  }
}
