import { createTestDatabase } from '@understudy/testing'
import { expect, test } from 'vitest'
import { rehearse } from './rehearse.ts'

const drills = 15

/** `npm run simulate -- --drills 1000` does a thousand. */
test(`${drills} test rollbacks with faults and dying workers leave nothing behind`, { timeout: 900_000 }, async () => {
  const database = await createTestDatabase()
  try {
    const { statuses, crashes, refused, left, uncleaned } = await rehearse({ seed: 3, drills, databaseUrl: database.url })
    expect({ left, uncleaned }).toEqual({ left: [], uncleaned: 0 })
    expect(Object.values(statuses).reduce((sum, count) => sum + count, refused)).toBe(drills)
    // Without any of these nothing was shown.
    expect(crashes).toBeGreaterThan(0)
    expect(statuses['passed']).toBeGreaterThan(0)
  } finally {
    await database.drop()
  }
})
