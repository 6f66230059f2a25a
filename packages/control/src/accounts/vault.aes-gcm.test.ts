import { randomBytes } from 'node:crypto'
import { isAppError } from '@understudy/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SealedSecret } from './account.ts'
import { aesGcmVault } from './vault.aes-gcm.ts'

const old = randomBytes(32)
const young = randomBytes(32)
const vault = aesGcmVault({ keys: new Map([['old', old]]), current: 'old' })

function openingFails(open: () => unknown): { readonly message: string; readonly remedy: unknown } {
  try {
    open()
  } catch (error) {
    if (isAppError(error, 'internal')) return { message: error.message, remedy: error.details['remedy'] }
    throw error
  }
  throw new Error('it opened')
}

describe('a vault', () => {
  test('opens what it has sealed, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary', minLength: 1 }), (text, context) => {
        expect(vault.open(vault.seal(text, context), context)).toBe(text)
      }),
      { numRuns: 50 },
    )
  })
  test('seals the same text differently each time, and shows none of it', () => {
    const [one, other] = [vault.seal('correct horse', 'acc_1'), vault.seal('correct horse', 'acc_1')]
    expect(new Set([one.ciphertext, other.ciphertext, one.wrappedKey, other.wrappedKey]).size).toBe(4)
    expect(new Set([one.nonce, other.nonce, one.wrapNonce, other.wrapNonce]).size).toBe(4)
    expect(JSON.stringify(one)).not.toContain('horse')
  })
  test('does not open a secret that was copied to another row', () => {
    const sealed = vault.seal('secret', 'acc_1')
    expect(openingFails(() => vault.open(sealed, 'acc_2')).message).toContain('acc_2 cannot be opened')
  })
  test('does not open a secret of which any part was changed', () => {
    const sealed = vault.seal('secret', 'acc_1')
    const flipped = (text: string): string => {
      const bytes = Buffer.from(text, 'base64')
      bytes[0] = (bytes[0] ?? 0) ^ 1
      return bytes.toString('base64')
    }
    for (const field of ['wrappedKey', 'wrapNonce', 'nonce', 'ciphertext'] as const) {
      const changed: SealedSecret = { ...sealed, [field]: flipped(sealed[field]) }
      expect(openingFails(() => vault.open(changed, 'acc_1')).message, field).toContain('was changed')
    }
    expect(openingFails(() => vault.open({ ...sealed, ciphertext: '' }, 'acc_1')).message).toContain('was changed')
  })
  test('says that a key is not configured, or is another one than the secret was sealed with', () => {
    const sealed = vault.seal('secret', 'acc_1')
    const without = aesGcmVault({ keys: new Map([['young', young]]), current: 'young' })
    expect(openingFails(() => without.open(sealed, 'acc_1'))).toEqual({
      message: 'The stored secret of acc_1 cannot be opened: its master key old is not configured.',
      remedy: expect.stringContaining('Configure that key again'),
    })
    const mistaken = aesGcmVault({ keys: new Map([['old', young]]), current: 'old' })
    expect(openingFails(() => mistaken.open(sealed, 'acc_1')).message).toContain('the master key old is another one')
  })
  test('opens old secrets beside a new key, and seals with the new one', () => {
    const both = aesGcmVault({
      keys: new Map([
        ['old', old],
        ['young', young],
      ]),
      current: 'young',
    })
    expect(both.open(vault.seal('secret', 'acc_1'), 'acc_1')).toBe('secret')
    expect(both.seal('secret', 'acc_1').masterKeyId).toBe('young')
    expect(both.masterKeyId).toBe('young')
  })
  test('is not made from a key of the wrong length, or without its current key', () => {
    expect(() => aesGcmVault({ keys: new Map([['short', randomBytes(16)]]), current: 'short' })).toThrow(
      'master key short has 16 bytes; it must have 32',
    )
    expect(() => aesGcmVault({ keys: new Map([['old', old]]), current: 'young' })).toThrow(
      'the current master key young is not among the configured ones (old)',
    )
  })
})
