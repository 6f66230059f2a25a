import { isAppError, systemClock } from '@understudy/core'
import { describe, expect, test } from 'vitest'
import { translate } from './database-errors.ts'
import { openDatabase } from './database.ts'

describe('what went wrong in the database', () => {
  test('a raw query that meets no server is unavailable, however the driver says it', () => {
    const raw = Object.assign(new Error("Raw query failed. Code: `N/A`. Message: `Can't reach database server`"), {
      code: 'P2010',
      meta: { driverAdapterError: { cause: { kind: 'DatabaseNotReachable', host: '127.0.0.1' } } },
    })
    expect(isAppError(translate(raw), 'unavailable')).toBe(true)
    const silent = { code: 'P2010', meta: { driverAdapterError: { cause: { kind: 'ConnectionClosed' } } } }
    expect(isAppError(translate(silent), 'unavailable')).toBe(true)
  })

  test('a bug of ours stays what it is', () => {
    const bug = new TypeError('x is not a function')
    expect(translate(bug)).toBe(bug)
  })

  test('typed, raw and batched calls all say unavailable when no server listens', async () => {
    // Port 1 is never a database.
    const database = openDatabase({ url: 'postgresql://nobody@127.0.0.1:1/none', clock: systemClock() })
    const at = new Date(0)
    const calls = [
      database.stores.accounts.listAll(),
      database.stores.outbox.claim({ limit: 1, at, leaseMs: 1 }),
      database.sagas.claim({ runner: 'r', limit: 1, leaseMs: 1, nowMs: 0, sagas: ['failover'] }),
      database.transaction((stores) => stores.resources.findById('res_none')),
    ]
    for (const outcome of await Promise.allSettled(calls)) expect(outcome).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } })
    await database.close()
  })
})
