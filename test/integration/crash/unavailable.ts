import { isAppError } from '@understudy/core'

/** A look at a database that does not answer just now is none: the next one will be answered. */
export async function unlessAway<T>(look: Promise<T>): Promise<T | undefined> {
  try {
    return await look
  } catch (error) {
    if (isAppError(error, 'unavailable')) return undefined
    throw error
  }
}

const attemptsMax = 5

/** As a caller of the API does who is told to try again in a moment. */
export async function persistently<T>(call: () => Promise<T>, attempt = 1): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (!isAppError(error, 'unavailable') || attempt === attemptsMax) throw error
    process.stdout.write(`attempt ${attempt} failed: ${error.message} ${String(error.cause)}\n`)
    return persistently(call, attempt + 1)
  }
}
