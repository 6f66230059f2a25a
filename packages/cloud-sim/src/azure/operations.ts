import type { JsonObject } from '@understudy/core'
import type { ErrorBody } from './arm-error.ts'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, ok } from './call.ts'
import type { OperationRecord } from './state.ts'

/**
 * Begins an asynchronous operation and answers as ARM does: with the operation's address in `Azure-AsyncOperation` and, for
 * what is not a PUT, in `Location` too. The resource of a PUT comes with the answer.
 */
export function begin(
  call: ArmCall,
  progress: () => 'InProgress' | 'Succeeded' | ErrorBody,
  resource?: { status: 200 | 201 | 202; body: ArmReply['body'] },
  provider: 'Microsoft.Compute' | 'Microsoft.Network' = 'Microsoft.Compute',
  result?: JsonObject,
): ArmReply {
  const id = call.state.newId()
  call.state.operations.set(id, { id, startedAtMs: call.dataCentre.now(), progress: latched(call, progress), result })
  const version = call.query.get('api-version') ?? ''
  const address = `${call.origin}/subscriptions/${call.state.subscription}/providers/${provider}/locations/${call.dataCentre.region}/operations/${id}`
  const headers = { 'azure-asyncoperation': `${address}?api-version=${version}`, ...call.state.retryAfter }
  if (resource !== undefined) return { status: resource.status, headers, ...(resource.body === undefined ? {} : { body: resource.body }) }
  return { status: 202, headers: { ...headers, location: `${address}?monitor=true&api-version=${version}` } }
}

/** Once an operation has ended it stays ended, whatever becomes of its resource; and it ends whether or not anybody asks. */
function latched(call: ArmCall, progress: OperationRecord['progress']): OperationRecord['progress'] {
  let end: Exclude<ReturnType<OperationRecord['progress']>, 'InProgress'> | undefined
  const look = (): ReturnType<OperationRecord['progress']> => {
    if (end !== undefined) return end
    const seen = progress()
    if (seen !== 'InProgress') {
      end = seen
      unsubscribe()
    }
    return seen
  }
  const unsubscribe = call.dataCentre.subscribe((event) => {
    if (event.kind === 'instance_state' || event.kind === 'volume_attachment') look()
  })
  // Whoever asked for it may be gone before the first question: what has to be begun is begun now.
  look()
  return look
}

/** `GET …/operations/{id}`: a failed operation is a 200 whose body says so. */
export function readOperation(call: ArmCall): ArmReply {
  const operation = call.state.operations.get(call.params['operation'] ?? '')
  if (operation === undefined) throw new ArmError(404, 'NotFound', 'The operation was not found.')
  const progress = operation.progress()
  const running = progress === 'InProgress'
  const headers = running ? call.state.retryAfter : {}
  if (call.query.get('monitor') === 'true')
    return { status: running ? 202 : 200, headers, ...(running || operation.result === undefined ? {} : { body: operation.result }) }
  const startTime = new Date(operation.startedAtMs).toISOString()
  const ended = running ? {} : { endTime: new Date(call.dataCentre.now()).toISOString() }
  const outcome = typeof progress === 'string' ? { status: progress } : { status: 'Failed', error: errorJson(progress) }
  return { ...ok({ name: operation.id, startTime, ...ended, ...outcome }), headers }
}

export const errorJson = ({ code, message, details }: ErrorBody) => ({
  code,
  message,
  ...(details === undefined ? {} : { details: details.map((detail) => ({ code: detail.code, message: detail.message })) }),
})
