import { sha256 } from '@understudy/core'
import type { ResourceDna } from '@understudy/provider'
import { describe, expect, test } from 'vitest'
import { dnaHashOf, isRedacted, redactDna, withoutRedacted } from './redact.ts'

const dna = (overrides: Partial<ResourceDna> = {}): ResourceDna => ({
  dnaVersion: 1,
  ref: { provider: 'sim', account: '1', region: 'r', nativeId: 'i-1' },
  nativeName: 'web',
  state: 'running',
  nativeState: 'running',
  os: { family: 'linux', arch: 'x86_64' },
  size: { type: 'm7i.large', vcpus: 2, memoryMiB: 8192 },
  purchase: 'spot',
  disks: [],
  nics: [],
  tags: {},
  placement: { zone: 'a' },
  protection: { terminate: false, stop: false },
  holdEnabled: false,
  native: {},
  fingerprint: 'f',
  unknowable: [],
  ...overrides,
})
const marker = (text: string): string => `{"redacted":true,"sha256":"${sha256(text)}"}`

describe('a stored definition', () => {
  test('holds the hash of the boot data and not the boot data', () => {
    const stored = redactDna(dna({ userData: 'IyEvYmluL3No' }))
    expect(stored.userData).toBe(marker('IyEvYmluL3No'))
    expect(JSON.stringify(stored)).not.toContain('IyEvYmluL3No')
    expect(redactDna(dna())).not.toHaveProperty('userData')
  })
  test.each([
    'password',
    'DB_PASSWORD',
    'dbPassword',
    'app:db.passwd',
    'api-key',
    'APIKey',
    'AccessKeyId',
    'client_secret',
    'authToken',
    'Credentials',
    'private key',
    'sshKey',
    'connectionString',
    'x-pw',
  ])('does not hold the value of the tag %s', (key) => {
    const { tags } = redactDna(dna({ tags: { [key]: 'hunter2' } }))
    expect(tags[key]).toBe(marker('hunter2'))
  })
  test.each(['Name', 'team', 'cost-center', 'keyName', 'monkey', 'tokyo', 'compass', 'passenger', 'public-key', 'keyboard', 'author'])(
    'holds the value of the tag %s',
    (key) => expect(redactDna(dna({ tags: { [key]: 'plain' } })).tags[key]).toBe('plain'),
  )
  test.each([
    '-----BEGIN RSA PRIVATE KEY-----\nMIIE',
    'AKIAIOSFODNN7EXAMPLE',
    'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U',
    'postgres://app:hunter2@db.internal/app',
  ])('does not hold a value that is a secret by its form: %s', (value) => {
    const stored = redactDna(dna({ tags: { note: value }, native: { list: [{ note: value }] } }))
    expect(stored.tags['note']).toBe(marker(value))
    expect(stored.native).toEqual({ list: [{ note: marker(value) }] })
  })
  test('holds native settings as they are, except below the name of a secret', () => {
    const native = {
      bootMode: 'uefi',
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 2 },
      masterPassword: 'hunter2',
      credentials: { user: 'root', list: ['a', { b: 'c' }], on: true, count: 3 },
      UserData: 'IyEv',
    }
    expect(redactDna(dna({ native })).native).toEqual({
      bootMode: 'uefi',
      MetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 2 },
      masterPassword: marker('hunter2'),
      credentials: { user: marker('root'), list: [marker('a'), { b: marker('c') }], on: true, count: 3 },
      UserData: marker('IyEv'),
    })
  })
  test('leaves our own tags out, so that a change of role is no change of the definition', () => {
    const before = redactDna(dna({ tags: { Name: 'web' } }))
    const after = redactDna(dna({ tags: { Name: 'web', 'understudy:role': 'primary', 'understudy:managed': 'true' } }))
    expect(after.tags).toEqual({ Name: 'web' })
    expect(dnaHashOf(after)).toBe(dnaHashOf(before))
  })
  test('has a hash that follows every change, of secrets too, and not the order of keys', () => {
    const hash = (overrides: Partial<ResourceDna>): string => dnaHashOf(redactDna(dna(overrides)))
    expect(hash({ tags: { a: '1', b: '2' } })).toBe(hash({ tags: { b: '2', a: '1' } }))
    expect(hash({ userData: 'one' })).not.toBe(hash({ userData: 'two' }))
    expect(hash({ tags: { password: 'one' } })).not.toBe(hash({ tags: { password: 'two' } }))
  })
  test('is not changed by redacting it again', () => {
    const once = redactDna(dna({ userData: 'x', tags: { password: 'y' }, native: { token: 'z' } }))
    expect(redactDna(once)).toEqual(once)
  })
  test('can be launched without what was replaced', () => {
    const launchable = withoutRedacted(redactDna(dna({ userData: 'x', tags: { Name: 'web', password: 'y' } })))
    expect(launchable).not.toHaveProperty('userData')
    expect(launchable.tags).toEqual({ Name: 'web' })
    expect(withoutRedacted(dna({ userData: 'x' })).userData).toBe('x')
    expect(isRedacted('{"redacted":true}')).toBe(false)
  })
})
