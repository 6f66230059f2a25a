import { AppError, isAppError } from '@understudy/core'

const changed = (): AppError => new AppError('precondition_failed', 'It has changed since you read it. Read it again and repeat with its new ETag.')

/** Refuses a change that was made from an older state than the present one. */
export function requireSeenVersion(current: { readonly version: number }, seenVersion: number): void {
  if (current.version !== seenVersion) throw changed()
}

/** Runs a compare-and-swap of a store; losing the race reads to the caller like having seen an old version. */
export async function swap(write: Promise<void>): Promise<void> {
  try {
    await write
  } catch (error) {
    throw isAppError(error, 'conflict') ? changed() : error
  }
}

/**
 * The same for the service itself, which reads and writes at once, and for a row that is put where there was none: a lost race is `busy`, and
 * repeating it reads again. It may be lost to an attempt before, whose commit came after its answer had been given up.
 */
export async function swapOrRepeat(write: Promise<void>): Promise<void> {
  try {
    await write
  } catch (error) {
    const lost = isAppError(error, 'conflict') || isAppError(error, 'precondition_failed') || isAppError(error, 'already_exists')
    throw lost ? new AppError('busy', 'Somebody changed it at the same moment.', { cause: error }) : error
  }
}
