import { sha256 } from '@understudy/core'
import type { Json } from '@understudy/core'
import type { AuditIntent, StepContext } from './definition.ts'
import type { ClaimedOperation } from './store.ts'
import type { Writer } from './writer.ts'

export type Outputs = Readonly<Record<string, unknown>>
export type AnyContext = StepContext<unknown, Outputs>

/** Idempotency key of an effect: equal in every attempt of a step and in its undo, different for every suffix. 32 lowercase hex. */
export function effectKey(operationId: string, step: string, suffix = ''): string {
  return sha256(JSON.stringify([operationId, step, suffix])).slice(0, 32)
}

/** A context, and the function that closes it: an action that goes on after its end must neither write nor be allowed to change anything. */
export function makeContext(options: {
  readonly operation: ClaimedOperation
  readonly step: string
  readonly action: 'run' | 'undo'
  readonly attempt: number
  readonly params: unknown
  readonly outputs: Outputs
  readonly signal: AbortSignal
  readonly dueMs: number
  readonly writer: Writer
}): { readonly context: AnyContext; readonly close: () => void } {
  const { operation, step, writer, signal } = options
  let closed = false
  const refuseWhenOver = (): void => {
    if (closed) throw new Error(`step ${step} of operation ${operation.id} has ended; it may not write any more`)
  }
  // The undo of a step may repeat the action and target of its run, and is an intent of its own.
  const scope = options.action === 'run' ? step : `${step}/undo`
  const context: AnyContext = {
    operationId: operation.id,
    step,
    attempt: options.attempt,
    params: options.params,
    outputs: options.outputs,
    signal,
    dueMs: options.dueMs,
    deadlineMs: operation.deadlineMs,
    key: (suffix) => effectKey(operation.id, step, suffix),
    async note(message: string, data?: Json) {
      refuseWhenOver()
      await writer.note(step, message, data)
    },
    async audit(intent: AuditIntent) {
      refuseWhenOver()
      // Whoever asks for permission to change something after the signal has aborted does not get it.
      signal.throwIfAborted()
      await writer.audit(scope, intent)
      signal.throwIfAborted()
    },
  }
  return {
    context,
    close: () => {
      closed = true
    },
  }
}
