import { describe, expect, test } from 'vitest'
import { outboundUrlErrors, refusedForEndpoint } from './outbound-url.gate.ts'

const refused = (settings: Parameters<typeof outboundUrlErrors>[0]) =>
  outboundUrlErrors(settings).map(({ pointer, message }) => `${pointer} ${message}`)

describe('addresses in the settings of an account', () => {
  test.each([
    'http://127.0.0.1:4566',
    'http://[::1]:4566/',
    'http://localhost:4566',
    'https://10.0.0.5',
    'https://ec2.eu-central-1.amazonaws.com',
    'http://minio.lan:9000/x',
  ])('%s may be used: a region may be simulated or private', (endpoint) => expect(refused({ endpoint })).toEqual([]))
  test.each([
    ['http://169.254.169.254/latest/meta-data', 'is a link-local or metadata address'],
    ['http://0xa9fea9fe/', 'is a link-local or metadata address'],
    ['http://2852039166', 'is a link-local or metadata address'],
    ['http://[::ffff:169.254.169.254]/', 'is a link-local or metadata address'],
    ['http://[fe80::1]/', 'is a link-local or metadata address'],
    ['http://[fd00:ec2::254]/', 'is a link-local or metadata address'],
    ['http://metadata.google.internal', 'is a metadata service'],
    ['http://0.0.0.0/', 'is not the address of a host'],
    ['file:///etc/passwd', 'must start with http:// or https://'],
    ['gopher://x', 'must start with http:// or https://'],
    ['https://user:pw@example.com', 'must not contain credentials'],
    ['not a url', 'must be a URL'],
  ])('%s is refused', (endpoint, message) => expect(refused({ endpoint })).toEqual([`/settings/endpoint ${message}`]))
  test('every one is looked at, however deep, and by its form where its name does not tell', () => {
    const settings = {
      endpoints: { ec2: 'http://169.254.1.1', sqs: 'http://127.0.0.1' },
      eventsQueueUrl: 'ftp://x',
      list: [{ note: 'http://[fe80::2]' }],
      'a/b~c': { proxy: 'nonsense' },
    }
    expect(refused(settings)).toEqual([
      '/settings/endpoints/ec2 is a link-local or metadata address',
      '/settings/eventsQueueUrl must start with http:// or https://',
      '/settings/list/0/note is a link-local or metadata address',
      '/settings/a~1b~0c/proxy must be a URL',
    ])
  })
  test('what is no address is left alone', () => expect(refused({ note: 'see 169.254.169.254', size: 3, on: true, nothing: null })).toEqual([]))
})

describe('an address that the name of an endpoint resolved to', () => {
  test('is refused when it is a metadata service, and not when it is private', () => {
    expect(refusedForEndpoint('169.254.169.254')).toBe('is a link-local or metadata address')
    expect(refusedForEndpoint('::ffff:a9fe:a9fe')).toBe('is a link-local or metadata address')
    expect(refusedForEndpoint('10.0.0.1')).toBeUndefined()
    expect(refusedForEndpoint('127.0.0.1')).toBeUndefined()
  })
})
