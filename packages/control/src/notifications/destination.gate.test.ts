import { isAppError } from '@understudy/core'
import { describe, expect, test } from 'vitest'
import { checkDestinationUrl, refusedDestination, refusedDestinations } from './destination.gate.ts'

const kindOf = (url: string, allowed: readonly string[] = []): string => {
  try {
    checkDestinationUrl(url, allowed)
    return 'allowed'
  } catch (error) {
    if (isAppError(error)) return `${error.kind} ${error.errors[0]?.pointer ?? ''}`
    throw error
  }
}

describe('the address of a webhook', () => {
  test.each(['https://example.com/hook', 'http://example.com:8080/', 'https://8.8.8.8/', 'https://[2001:4860:4860::8888]/'])(
    '%s may be used',
    (url) => expect(kindOf(url)).toBe('allowed'),
  )
  test.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://0x7f000001/',
    'http://2130706433/',
    'http://0177.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://localhost:3000/',
    'http://x.localhost/',
    'http://10.0.0.1/',
    'http://172.16.3.4/',
    'http://192.168.0.1/',
    'http://100.64.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://0xa9fea9fe/',
    'http://[::ffff:a9fe:a9fe]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://[fd12::1]/',
    'http://[64:ff9b::a00:1]/',
    'http://224.0.0.1/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://metadata.google.internal/',
  ])('%s is refused before anything is looked up', (url) => expect(kindOf(url)).toBe('destination_refused /url'))
  test.each(['ftp://example.com', 'javascript:alert(1)', 'https://user:pw@example.com', 'nonsense', '', `https://example.com/${'x'.repeat(2000)}`])(
    '%s is not valid',
    (url) => expect(kindOf(url)).toBe('invalid_request /url'),
  )
  test('may lead into private and loopback networks that are allowed, and never to a metadata service', () => {
    const allowed = ['10.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '0.0.0.0/0', '::/0']
    expect(kindOf('http://10.1.2.3/', allowed)).toBe('allowed')
    expect(kindOf('http://127.0.0.1:9/', allowed)).toBe('allowed')
    expect(kindOf('http://localhost:9/', allowed)).toBe('allowed')
    expect(kindOf('http://169.254.169.254/', allowed)).toBe('destination_refused /url')
    expect(kindOf('http://[fd00:ec2::254]/', allowed)).toBe('destination_refused /url')
    expect(kindOf('http://0.0.0.0/', allowed)).toBe('destination_refused /url')
    expect(kindOf('http://192.168.0.1/', ['10.0.0.0/8'])).toBe('destination_refused /url')
  })
})

describe('what a name resolved to', () => {
  test('is refused as a whole when one address is private', () => {
    expect(refusedDestinations(['8.8.8.8', '1.1.1.1'], [])).toBeUndefined()
    expect(refusedDestinations(['8.8.8.8', '127.0.0.1'], [])).toBe('127.0.0.1 is a loopback address')
    expect(refusedDestinations(['8.8.8.8', '::ffff:10.0.0.1'], [])).toBe('::ffff:10.0.0.1 is a private address')
    expect(refusedDestinations([], [])).toBe('the name has no address')
    expect(refusedDestinations(['not an address'], [])).toBe('not an address is not the address of a host')
  })
  test('is allowed when its network is', () => {
    expect(refusedDestination('10.0.0.1', ['10.0.0.0/24'])).toBeUndefined()
    expect(refusedDestination('10.0.1.1', ['10.0.0.0/24'])).toBe('10.0.1.1 is a private address')
  })
})
