import type { ProviderErrorKind } from '@understudy/provider'
import { describe, expect, it } from 'vitest'
import { classify, operationError } from './errors.ts'

const body = (code: number, reason: string, message: string): string =>
  JSON.stringify({ error: { code, message, errors: [{ message, domain: 'global', reason }] } })
const thrown = (message: string, more: object): Error => Object.assign(new Error(message), more)
const kindOf = (error: unknown) => classify(error, { effect: 'read', secrets: [] }).kind

describe('a refused request', () => {
  it.each<[number, string, string, ProviderErrorKind]>([
    [404, 'notFound', "The resource 'x' was not found", 'not_found'],
    [409, 'alreadyExists', "The resource 'x' already exists", 'already_exists'],
    [
      412,
      'conditionNotMet',
      'No feasible nodes found for the instance given its node affinities and resource requirements.',
      'insufficient_capacity',
    ],
    [412, 'conditionNotMet', 'Labels fingerprint either invalid or resource labels have changed', 'conflict'],
    [400, 'resourceNotReady', "The resource 'x' is not ready", 'conflict'],
    [400, 'invalidResourceUsage', "Invalid resource usage: 'Resource cannot be deleted if it's protected against deletion.'.", 'protected'],
    [400, 'invalid', "Invalid value for field 'x'", 'invalid'],
    [403, 'forbidden', "Required 'compute.instances.start' permission for 'x'", 'unauthorized'],
    [403, 'rateLimitExceeded', 'Rate Limit Exceeded', 'throttled'],
    [403, 'quotaExceeded', "Quota 'CPUS' exceeded.  Limit: 24.0 in region europe-west1.", 'quota_exceeded'],
    [429, 'rateLimitExceeded', 'Rate Limit Exceeded', 'throttled'],
    [503, 'backendError', 'Backend Error', 'unavailable'],
  ])('%i %s is read from the text that the SDK makes of the answer: %s → %s', (code, reason, message, kind) => {
    const error = classify(thrown(body(code, reason, message), { code }), { effect: 'read', secrets: [] })
    expect(error.shape).toMatchObject({ kind, nativeCode: reason, httpStatus: code, message })
  })

  it.each<[number, number, string, string | undefined, ProviderErrorKind]>([
    [5, 404, 'The resource was not found', undefined, 'not_found'],
    [10, 409, "The resource 'x' already exists", undefined, 'already_exists'],
    [9, 412, 'Labels fingerprint either invalid', undefined, 'conflict'],
    [7, 403, "Required 'compute.instances.start' permission", undefined, 'unauthorized'],
    [7, 403, 'Quota exceeded for quota metric', 'RATE_LIMIT_EXCEEDED', 'throttled'],
    [8, 429, 'Too many', undefined, 'throttled'],
  ])('is read from the newer SDK’s error too: gRPC %i of HTTP %i, %s', (code, httpStatusCode, message, reason, kind) => {
    expect(kindOf(thrown(message, { code, httpStatusCode, ...(reason === undefined ? {} : { reason }) }))).toBe(kind)
    expect(kindOf(thrown(message, { code, ...(reason === undefined ? {} : { reason }) }))).toBe(kind)
  })

  it('is in doubt only when its answer was lost and it cannot be repeated', () => {
    const lost = thrown('read ECONNRESET', { code: 'ECONNRESET' })
    expect(classify(lost, { effect: 'once', secrets: [] }).shape).toMatchObject({ kind: 'unavailable', ambiguous: true, retryable: true })
    expect(classify(lost, { effect: 'repeatable', secrets: [] }).shape.ambiguous).toBeUndefined()
  })

  it('does not carry a token or a key into the log', () => {
    const error = classify(thrown('Bearer abc.def failed for ya29.token and s3cret', {}), { effect: 'read', secrets: ['s3cret'] })
    const told = error.message + String(error.stack) + String((error.cause as Error).stack)
    for (const secret of ['abc.def', 'ya29.token', 's3cret']) expect(told).not.toContain(secret)
  })
})

describe('an operation that failed', () => {
  const offering = { instanceType: 'e2-standard-2', zone: 'europe-west1-b', purchase: 'spot' } as const

  it.each(['ZONE_RESOURCE_POOL_EXHAUSTED', 'ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS'])(
    'for %s is a lack of capacity, not a transient error, though its status is 503',
    (code) => {
      expect(operationError({ code, message: 'no room' }, 503, offering).shape).toMatchObject({
        kind: 'insufficient_capacity',
        retryable: false,
        avoid: offering,
      })
    },
  )

  it('for lack of addresses makes the zone avoided for every type', () => {
    const { avoid } = operationError({ code: 'IP_SPACE_EXHAUSTED', message: '' }, 400, offering).shape
    expect(avoid).toMatchObject({ zone: offering.zone })
    expect(avoid?.instanceType).toBeUndefined()
  })

  it('for a quota is not helped by another zone', () => {
    const { kind, avoid } = operationError({ code: 'QUOTA_EXCEEDED', message: "Quota 'CPUS' exceeded." }, 403, offering).shape
    expect([kind, avoid?.zone, avoid?.instanceType]).toEqual(['quota_exceeded', undefined, offering.instanceType])
  })

  it('for what cannot be done is unsupported', () => {
    expect(operationError({ code: 'UNSUPPORTED_OPERATION', message: 'cannot be suspended' }, 400).kind).toBe('unsupported')
  })
})
