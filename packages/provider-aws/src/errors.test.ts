import { ProviderError } from '@understudy/provider'
import type { ProviderErrorKind } from '@understudy/provider'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { causeOfStateReason, classify, stateReasonError, withOffering } from './errors.ts'

const offering = { instanceType: 'm7i.large', zone: 'eu-west-1a', purchase: 'spot' } as const

function sdkError(name: string, httpStatusCode: number, message = `message of ${name}`): Error {
  return Object.assign(new Error(message), {
    name,
    $fault: httpStatusCode < 500 ? 'client' : 'server',
    $metadata: { httpStatusCode, requestId: 'req-1', attempts: 1 },
  })
}
const networkError = (code: string): Error => Object.assign(new Error(`socket: ${code}`), { code, $metadata: { attempts: 1, totalRetryDelay: 0 } })

describe('codes of the services become kinds', () => {
  const table: readonly (readonly [string, number, ProviderErrorKind])[] = [
    ['InvalidInstanceID.NotFound', 400, 'not_found'],
    ['InvalidVpcPeeringConnectionID.NotFound', 400, 'not_found'],
    ['TargetGroupNotFoundException', 400, 'not_found'],
    ['QueueDoesNotExist', 400, 'not_found'],
    ['IncorrectInstanceState', 400, 'conflict'],
    ['VolumeInUse', 400, 'conflict'],
    ['Resource.AlreadyAssociated', 400, 'conflict'],
    ['OperationNotPermitted', 400, 'protected'],
    ['IdempotentParameterMismatch', 400, 'idempotency_mismatch'],
    ['InsufficientInstanceCapacity', 500, 'insufficient_capacity'],
    ['InsufficientHostCapacity', 500, 'insufficient_capacity'],
    ['InsufficientCapacityOnHost', 400, 'insufficient_capacity'],
    ['InvalidPlacementGroup.Unknown', 400, 'not_found'],
    ['InvalidPlacementGroup.InUse', 400, 'invalid'],
    ['InvalidHostID.NotFound', 400, 'not_found'],
    ['InsufficientFreeAddressesInSubnet', 400, 'insufficient_capacity'],
    ['SpotMaxPriceTooLow', 400, 'price_too_low'],
    ['VcpuLimitExceeded', 400, 'quota_exceeded'],
    ['MaxSpotInstanceCountExceeded', 400, 'quota_exceeded'],
    ['RequestLimitExceeded', 503, 'throttled'],
    ['Throttling', 400, 'throttled'],
    ['ThrottlingException', 400, 'throttled'],
    ['UnauthorizedOperation', 403, 'unauthorized'],
    ['AuthFailure', 401, 'unauthorized'],
    ['SignatureDoesNotMatch', 403, 'unauthorized'],
    ['ExpiredToken', 400, 'unauthorized'],
    ['SomethingNew', 403, 'unauthorized'],
    ['UnsupportedHibernationConfiguration', 400, 'unsupported'],
    ['InvalidAction', 400, 'unsupported'],
    ['InvalidParameterValue', 400, 'invalid'],
    ['ValidationError', 400, 'invalid'],
    ['MissingParameter', 400, 'invalid'],
    ['InternalError', 500, 'unavailable'],
    ['ServiceUnavailable', 503, 'unavailable'],
    ['SomethingNew', 502, 'unavailable'],
    ['SomethingNew', 418, 'unknown'],
  ]
  it.each(table)('%s with status %i is %s', (name, status, kind) => {
    const error = classify(sdkError(name, status), { effect: 'repeatable' })
    expect(error.kind).toBe(kind)
    expect(error.shape).toMatchObject({ httpStatus: status, requestId: 'req-1', retryable: kind === 'throttled' || kind === 'unavailable' })
  })

  it('takes a group of hosts that has no room for another one as want of capacity, whatever its code', () => {
    const eighth = sdkError('SomethingNew', 400, 'The placement group critical has reached its limit of running instances in eu-west-1a.')
    expect(classify(eighth, { effect: 'token' }).shape).toMatchObject({ kind: 'insufficient_capacity' })
    expect(classify(eighth, { effect: 'token' }).shape.avoid).toBeUndefined()
  })

  it('tells "not in this zone", which another zone cures, from "never"', () => {
    const inZone = sdkError(
      'Unsupported',
      400,
      'Your requested instance type (m7i.large) is not supported in your requested Availability Zone (eu-west-1a).',
    )
    expect(classify(inZone, { effect: 'token', offering }).shape).toMatchObject({
      kind: 'insufficient_capacity',
      avoid: { ...offering, ttlMs: 180_000 },
    })
    expect(classify(sdkError('Unsupported', 400), { effect: 'token', offering }).kind).toBe('unsupported')
  })

  it('takes an error without a status for unknown', () => {
    expect(classify(new TypeError('x is not a function'), { effect: 'read' }).kind).toBe('unknown')
    expect(classify('text', { effect: 'read' }).kind).toBe('unknown')
  })

  it('passes a provider error through unchanged', () => {
    const first = classify(sdkError('VolumeInUse', 400), { effect: 'read' })
    expect(classify(first, { effect: 'once' })).toBe(first)
  })
})

describe('what to avoid', () => {
  it('is the type in the zone and market for three minutes after a lack of capacity', () => {
    expect(classify(sdkError('InsufficientInstanceCapacity', 500), { effect: 'token', offering }).shape.avoid).toEqual({
      ...offering,
      ttlMs: 180_000,
    })
  })
  it('is the zone, for every type, when the subnet is full', () => {
    expect(classify(sdkError('InsufficientFreeAddressesInSubnet', 400), { effect: 'token', offering }).shape.avoid).toEqual({
      zone: 'eu-west-1a',
      ttlMs: 180_000,
    })
  })
  it('is the whole region when a quota is full', () => {
    expect(classify(sdkError('MaxSpotInstanceCountExceeded', 400), { effect: 'token', offering }).shape.avoid).toEqual({
      purchase: 'spot',
      ttlMs: 600_000,
    })
    expect(classify(sdkError('VcpuLimitExceeded', 400), { effect: 'token', offering }).shape.avoid).toEqual({
      instanceType: 'm7i.large',
      purchase: 'spot',
      ttlMs: 600_000,
    })
  })
  it('is nothing for failures that another offering would not cure', () => {
    expect(classify(sdkError('UnauthorizedOperation', 403), { effect: 'token', offering }).shape.avoid).toBeUndefined()
  })
  it('can be added where the batch did not know the offering', () => {
    const bare = classify(sdkError('InsufficientInstanceCapacity', 500), { effect: 'repeatable' })
    expect(withOffering(bare, offering)).toMatchObject({ shape: { kind: 'insufficient_capacity', avoid: { ...offering, ttlMs: 180_000 } } })
  })
})

describe('a lost answer', () => {
  it.each(['ECONNRESET', 'EPIPE', 'ETIMEDOUT'])('is ambiguous after %s on a call that makes a second thing when repeated', (code) => {
    expect(classify(networkError(code), { effect: 'once' }).shape).toMatchObject({
      kind: 'unavailable',
      nativeCode: code,
      ambiguous: true,
      retryable: true,
    })
  })
  it('is ambiguous after a timeout and after a server error', () => {
    expect(classify(Object.assign(new Error('timed out'), { name: 'TimeoutError' }), { effect: 'once' }).shape.ambiguous).toBe(true)
    expect(classify(sdkError('InternalError', 500), { effect: 'once' }).shape.ambiguous).toBe(true)
  })
  it('is not ambiguous when nothing was sent, when the cloud refused, or when repeating is harmless', () => {
    expect(classify(networkError('ECONNREFUSED'), { effect: 'once' }).shape.ambiguous).toBeUndefined()
    expect(classify(sdkError('RequestLimitExceeded', 503), { effect: 'once' }).shape.ambiguous).toBeUndefined()
    expect(classify(sdkError('InsufficientInstanceCapacity', 500), { effect: 'token' }).shape.ambiguous).toBeUndefined()
    expect(classify(networkError('ECONNRESET'), { effect: 'token' }).shape.ambiguous).toBeUndefined()
    expect(classify(networkError('ECONNRESET'), { effect: 'read' }).shape.ambiguous).toBeUndefined()
  })
  it('is ambiguous when the caller gave up in the middle of such a call', () => {
    const aborted = Object.assign(new Error('Request aborted'), { name: 'AbortError' })
    expect(classify(aborted, { effect: 'once' }).shape).toMatchObject({ kind: 'unavailable', nativeCode: 'Aborted', ambiguous: true })
    expect(classify(aborted, { effect: 'read' }).shape.ambiguous).toBeUndefined()
  })
})

describe('what happened to an instance by itself', () => {
  it('is told by its state reason', () => {
    expect(stateReasonError({ code: 'Server.InsufficientInstanceCapacity', message: 'none left' }, offering)?.shape).toMatchObject({
      kind: 'insufficient_capacity',
      avoid: { ...offering, ttlMs: 180_000 },
    })
    expect(stateReasonError({ code: 'Server.SpotInstanceTermination', message: '' }, offering)?.kind).toBe('preempted')
    expect(stateReasonError({ code: 'Client.VolumeLimitExceeded', message: '' }, offering)?.kind).toBe('quota_exceeded')
    expect(stateReasonError({ code: 'Server.InternalError', message: '' }, offering)?.kind).toBe('unavailable')
    expect(stateReasonError({ code: 'Client.UserInitiatedShutdown', message: '' }, offering)).toBeUndefined()
    expect(stateReasonError(undefined, offering)).toBeUndefined()
  })
  it('has somebody who caused it, or an honest "unknown"', () => {
    expect(causeOfStateReason('Server.SpotInstanceShutdown')).toBe('platform')
    expect(causeOfStateReason('Client.UserInitiatedShutdown')).toBe('user')
    expect(causeOfStateReason('Client.InstanceInitiatedShutdown')).toBe('user')
    expect(causeOfStateReason('Client.InvalidSnapshot.NotFound')).toBe('unknown')
    expect(causeOfStateReason(undefined)).toBe('unknown')
  })
})

it('lets no credential out, neither in the message nor in the cause nor in a printed error', () => {
  const secrets = ['AKIAIOSFODNN7EXAMPLE', 'c2VjcmV0LXNpZ25hdHVyZQ', 'FwoGZXIvYXdzEXAMPLE']
  const raw = Object.assign(
    sdkError(
      'SignatureDoesNotMatch',
      403,
      `Credential=${secrets[0]}/20261121/eu-west-1/ec2, Signature=${secrets[1]}, X-Amz-Security-Token: ${secrets[2]}`,
    ),
    { $response: { headers: { authorization: `AWS4 ${secrets[0]} ${secrets[1]}` } } },
  )
  const error = classify(raw, { effect: 'read' })
  expect(error).toBeInstanceOf(ProviderError)
  const printed = inspect(error, { depth: 10, showHidden: true }) + JSON.stringify(error.shape) + String((error.cause as Error).stack)
  for (const secret of secrets) expect(printed).not.toContain(secret)
})
