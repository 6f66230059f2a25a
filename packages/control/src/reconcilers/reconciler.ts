import type { Json } from '@understudy/core'
import type { Control } from '../context.ts'

/**
 * Observes, compares, acts a little, and says when to run again. It takes no input: being woken tells it that something has
 * changed, never what, so that the path after a restart is the path of every day. It does not retry inside.
 */
export interface Reconciler {
  readonly name: string
  /** When nothing wakes it. */
  readonly everyMs: number
  /** A pass must be over by then; another worker may run it afterwards. */
  readonly passMaxMs: number
  pass(control: Control): Promise<{ readonly result: Json; readonly runAgainInMs?: number }>
}
