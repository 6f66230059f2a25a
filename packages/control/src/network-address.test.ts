import { describe, expect, test } from 'vitest'
import { classifyAddress, classifyHostname, hostOf, isInNetworks } from './network-address.ts'
import type { AddressClass } from './network-address.ts'

const table: Record<AddressClass, readonly string[]> = {
  public: [
    '8.8.8.8',
    '1.1.1.1',
    '2001:4860:4860::8888',
    '::ffff:8.8.8.8',
    '64:ff9b::808:808',
    '2002:808:808::1',
    '172.15.255.255',
    '172.32.0.1',
    '100.128.0.1',
  ],
  private: [
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    'fc00::1',
    'fd12:3456::1',
    '::ffff:10.0.0.1',
    '::ffff:a00:1',
    '64:ff9b::a00:1',
    '2002:a00:1::1',
  ],
  loopback: ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::7f00:1', '64:ff9b::7f00:1', '0:0:0:0:0:0:0:1'],
  metadata: [
    '169.254.169.254',
    '169.254.170.2',
    '169.254.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
    'fd00:ec2::254',
    'fd00:0ec2:0:0:0:0:0:254',
    '100.100.100.200',
    '168.63.129.16',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    '::a9fe:a9fe',
    '64:ff9b::a9fe:a9fe',
    '2002:a9fe:a9fe::',
  ],
  unusable: [
    '0.0.0.0',
    '0.1.2.3',
    '255.255.255.255',
    '224.0.0.1',
    '239.1.1.1',
    '240.0.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '203.0.113.1',
    '::',
    'ff02::1',
    '2001:db8::1',
    'fec0::1',
    '64:ff9b:1::808:808',
    '0177.0.0.1',
    '0x7f000001',
    '2130706433',
    '127.1',
    'example.com',
    '',
  ],
}

describe('an address', () => {
  for (const [kind, addresses] of Object.entries(table)) {
    test.each(addresses)(`%s is ${kind}`, (address) => expect(classifyAddress(address)).toBe(kind))
  }
  test('is found in networks of its own family, and in its mapped form', () => {
    expect(isInNetworks('10.1.2.3', ['10.0.0.0/8'])).toBe(true)
    expect(isInNetworks('::ffff:10.1.2.3', ['10.0.0.0/8'])).toBe(true)
    expect(isInNetworks('10.1.2.3', ['fd00::/8', '192.168.0.0/16'])).toBe(false)
    expect(isInNetworks('fd12::1', ['fd00::/8'])).toBe(true)
    expect(isInNetworks('no address', ['0.0.0.0/0'])).toBe(false)
  })
})

describe('a host in a URL', () => {
  test.each([
    ['http://0x7f.1/', '127.0.0.1'],
    ['http://2130706433/', '127.0.0.1'],
    ['http://0177.0.0.1/', '127.0.0.1'],
    ['http://0xa9fea9fe/', '169.254.169.254'],
    ['http://[::ffff:169.254.169.254]/', '::ffff:a9fe:a9fe'],
    ['http://[fe80::1]:8080/', 'fe80::1'],
    ['http://①②⑦.0.0.1/', '127.0.0.1'],
  ])('%s is the address %s', (text, host) => expect(hostOf(new URL(text))).toEqual({ host, isAddress: true }))
  test.each([
    ['localhost', 'loopback'],
    ['LOCALHOST.', 'loopback'],
    ['a.localhost', 'loopback'],
    ['metadata.google.internal', 'metadata'],
    ['Metadata.Google.Internal.', 'metadata'],
    ['example.com', undefined],
    ['notlocalhost', undefined],
  ])('the name %s is %s', (name, kind) => expect(classifyHostname(name)).toBe(kind))
})
