import { contentHash } from '@understudy/core'
import { SimError } from './sim-error.ts'
import type { World } from './world.ts'

/**
 * EC2's idempotency: a repeated token with equal parameters answers with what the first call made, with other parameters
 * it is refused, and after the resource is gone the token is used up.
 */
export class ClientTokens {
  readonly #world: World
  constructor(world: World) {
    this.#world = world
  }

  /** Ids that the token made; `undefined` for a new or absent token. */
  find(operation: string, token: string | undefined, parameters: unknown): readonly string[] | undefined {
    if (token === undefined) return undefined
    if (token.length > 64) throw new SimError('InvalidParameterValue', 'The client token is longer than 64 characters.')
    const record = this.#world.state.clientTokens.get(keyOf(operation, token))
    if (!record) return undefined
    if (record.parametersHash !== contentHash(parameters)) {
      throw new SimError(
        'IdempotentParameterMismatch',
        'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
      )
    }
    return record.resultIds
  }

  remember(operation: string, token: string | undefined, parameters: unknown, resultIds: readonly string[]): void {
    if (token === undefined) return
    this.#forgetOld()
    this.#world.state.clientTokens.set(keyOf(operation, token), {
      operation,
      token,
      parametersHash: contentHash(parameters),
      resultIds: [...resultIds],
      atMs: this.#world.now(),
    })
  }

  /** Maps keep the order of insertion: the oldest come first. */
  #forgetOld(): void {
    for (const [key, record] of this.#world.state.clientTokens) {
      if (this.#world.now() - record.atMs < rememberedForMs) return
      this.#world.state.clientTokens.delete(key)
    }
  }
}

/** EC2 promises a day; this is longer than any saga. */
const rememberedForMs = 7 * 86_400_000

const keyOf = (operation: string, token: string): string => `${operation}/${token}`
