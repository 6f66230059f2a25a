import { AppError, DeadlineExceeded, errorKinds } from '@understudy/core'
import { providerError, providerErrorKinds } from '@understudy/provider'
import { describe, expect, test } from 'vitest'
import { appErrorOf, failureOf } from './failure.ts'

describe('what a failed step says', () => {
  test.each(providerErrorKinds)('every failure of a cloud has a code we know, its own words, and a remedy: %s', (kind) => {
    const failure = failureOf(providerError(kind, 'SomeNativeCode', 'the words of the cloud', { requestId: 'r-1' }))
    expect(errorKinds).toContain(failure.code)
    expect(failure.message).toMatch(/: the words of the cloud \(SomeNativeCode\)$/)
    expect(failure.remedy).toMatch(/^[A-Z].+\.$/)
    expect(failure).toMatchObject({ nativeCode: 'SomeNativeCode', requestId: 'r-1' })
  })
  test('exactly those failures of a cloud are repeated that it says may be', () => {
    const repeated = providerErrorKinds.filter((kind) => failureOf(providerError(kind, 'X', 'x')).transient)
    expect(repeated).toEqual(['throttled', 'unavailable'])
  })
  test.each([
    ['AuthFailure', 'Check the access key and its secret'],
    ['InvalidClientTokenId', 'Check the access key and its secret'],
    ['UnauthorizedOperation', 'lack a permission'],
    ['AccessDenied', 'lack a permission'],
    ['AuthorizationFailed', 'lack a permission'],
    ['ExpiredToken', 'have expired'],
  ])('refused credentials with %s are told apart for people', (code, text) => {
    expect(failureOf(providerError('unauthorized', code, 'no')).remedy).toContain(text)
  })
  test('a cloud that cannot be reached leads to the settings of the account', () => {
    expect(failureOf(providerError('unavailable', 'ECONNREFUSED', 'connect ECONNREFUSED'))).toMatchObject({
      code: 'provider_unavailable',
      transient: true,
      remedy: expect.stringContaining('Check the endpoint'),
    })
    expect(failureOf(new DeadlineExceeded(10_000))).toMatchObject({
      code: 'deadline_exceeded',
      message: 'There was no answer within 10 s.',
      transient: true,
    })
  })
  test('an expected failure of ours keeps its kind, and its remedy when it has one', () => {
    expect(failureOf(new AppError('busy', 'Wait.'))).toEqual({ code: 'busy', message: 'Wait.', transient: true })
    expect(failureOf(new AppError('conflict', 'No.', { details: { remedy: 'Do this.' } }))).toEqual({
      code: 'conflict',
      message: 'No.',
      transient: false,
      remedy: 'Do this.',
    })
    expect(failureOf(new AppError('internal', 'x')).transient).toBe(false)
    expect(failureOf(new AppError('deadline_exceeded', 'x')).transient).toBe(false)
    expect(failureOf(new AppError('unavailable', 'x')).transient).toBe(true)
  })
  test('a lost connection is repeated', () => {
    expect(failureOf(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))).toMatchObject({ code: 'unavailable', transient: true })
  })
  test('a bug says nothing of itself to people', () => {
    for (const bug of [new TypeError('x is undefined'), 'text', undefined]) {
      expect(failureOf(bug)).toMatchObject({ code: 'internal', transient: false, message: expect.not.stringContaining('undefined') })
    }
  })
  test.each([
    'AKIAIOSFODNN7EXAMPLE',
    'Credential=AKIAIOSFODNN7EXAMPLE/20260101/eu-central-1/ec2',
    'the token=abcdef123456 is wrong',
    'password: "hunter2"',
    'Authorization: Bearer abcdef123456',
    'connect to https://user:hunter2@example.com failed',
    'usk_0123456789abcdefghjkmnpqrstvwxyz01234567',
  ])('nothing secret that a cloud quotes gets through: %s', (text) => {
    const said = JSON.stringify([failureOf(providerError('unknown', 'X', text)), failureOf(new AppError('conflict', text))])
    expect(said).not.toMatch(/AKIAIOSFODNN7EXAMPLE|abcdef123456|hunter2|usk_0123/)
    expect(said).toContain('[redacted]')
  })
  test('a message is cut to what a person reads', () =>
    expect(failureOf(providerError('unknown', 'X', 'x'.repeat(5000))).message.length).toBeLessThan(600))
})

describe('a failure of a cloud while a caller waits', () => {
  test('becomes an answer with its remedy, and a missing thing in the cloud is no missing page', () => {
    expect(appErrorOf(providerError('unauthorized', 'AuthFailure', 'no'))).toMatchObject({
      kind: 'provider_unauthorized',
      message: expect.stringContaining('Check the access key'),
    })
    expect(appErrorOf(providerError('not_found', 'X', 'gone')).kind).toBe('provider_rejected')
    const own = new AppError('busy', 'x')
    expect(appErrorOf(own)).toBe(own)
  })
  test('is thrown on when it is a bug', () => expect(() => appErrorOf(new TypeError('bug'))).toThrow('bug'))
})
