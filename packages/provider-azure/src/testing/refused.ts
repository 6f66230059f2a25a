import { isProviderError } from '@understudy/provider'
import { call } from '../adapter.ts'

/** How a call of the SDK is refused, in the adapter's words and Azure's: `conflict OperationNotAllowed`. */
export async function refused(work: () => Promise<unknown>): Promise<string> {
  try {
    await call(work)
    return 'no failure'
  } catch (error) {
    return isProviderError(error) ? `${error.kind} ${error.shape.nativeCode}` : String(error)
  }
}
