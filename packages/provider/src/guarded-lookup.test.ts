import { describe, expect, test } from 'vitest'
import { addressRefusedCode, guardedLookup } from './guarded-lookup.ts'

const resolve = (guard: (address: string) => string | undefined, all: boolean): Promise<unknown> =>
  new Promise((done, fail) => guardedLookup(guard)('localhost', { all, family: 4 }, (error, address) => (error ? fail(error) : done(address))))

describe('a guarded lookup', () => {
  test('answers addresses that the guard lets through', async () => {
    expect(await resolve(() => undefined, false)).toBe('127.0.0.1')
    expect(await resolve(() => undefined, true)).toEqual([{ address: '127.0.0.1', family: 4 }])
  })
  test('refuses a name that leads only to addresses the guard refuses, and says why', async () => {
    const refusal = resolve((address) => (address === '127.0.0.1' ? 'is a metadata address' : undefined), true)
    await expect(refusal).rejects.toMatchObject({ code: addressRefusedCode, message: 'localhost is a metadata address' })
  })
})
