import type { PipelinePolicy } from '@azure/core-rest-pipeline'
import type { CallContext } from '@understudy/provider'
import { AsyncLocalStorage } from 'node:async_hooks'

const current = new AsyncLocalStorage<string>()

/** Everything `work` asks of Azure carries the intent's key as its client request id, which Azure's activity log shows. It is no idempotency. */
export const traced = <T>({ idempotencyKey }: Pick<CallContext, 'idempotencyKey'>, work: () => Promise<T>): Promise<T> =>
  current.run(uuidOf(idempotencyKey), work)

/** 32 hexadecimal digits in the form that Azure takes. */
export const uuidOf = (key: string): string => [key.slice(0, 8), key.slice(8, 12), key.slice(12, 16), key.slice(16, 20), key.slice(20, 32)].join('-')

/** After the SDK's own policy, which gives every call an id of its own. */
export const tracePolicy: PipelinePolicy = {
  name: 'understudyTrace',
  sendRequest(request, next) {
    const id = current.getStore()
    if (id !== undefined) request.headers.set('x-ms-client-request-id', id)
    return next(request)
  },
}
