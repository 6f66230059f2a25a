import { errorTable, isAppError } from '@understudy/core'
import type { StepFailure } from './log.ts'

/** Codes of failures the engine itself records; every other code comes from `classify`. */
export const engineCodes = {
  deadlineExceeded: 'deadline_exceeded',
  cancelled: 'cancelled',
  invalidParams: 'invalid_params',
  invalidOutput: 'invalid_output',
  crashedRepeatedly: 'crashed_repeatedly',
  unknownVersion: 'unknown_saga_version',
  illegalLog: 'illegal_log',
} as const

export function failure(code: string, message: string, remedy?: string): StepFailure {
  return { code, message, transient: false, ...(remedy === undefined ? {} : { remedy }) }
}

/** Decides what an error thrown by a step means. Transient ones are retried; the message is shown to people, so it holds no secrets. */
export type Classify = (error: unknown) => StepFailure

/**
 * The classification of errors every package knows: an `AppError` whose kind may be retried later is transient, except
 * `internal`; anything that is not an `AppError` is a bug, whose text stays in the log.
 */
export const classifyAppError: Classify = (error) => {
  if (!isAppError(error)) return failure('internal', 'Something went wrong on our side. The log has the details.')
  const transient = errorTable[error.kind].retry === 'later' && error.kind !== 'internal' && error.kind !== 'deadline_exceeded'
  return { code: error.kind, message: error.message, transient }
}

/** Why a step's signal was aborted. */
export class StepAborted extends Error {
  readonly code: 'deadline_exceeded' | 'cancelled' | 'lease_lost'
  constructor(code: 'deadline_exceeded' | 'cancelled' | 'lease_lost', message: string) {
    super(message)
    this.name = 'StepAborted'
    this.code = code
  }
}
