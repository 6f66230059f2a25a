import { createTestDatabase } from '@understudy/testing'
import { describe, expect, test } from 'vitest'
import { simulate } from './simulate.ts'
import { readSimulationSettings } from './config.ts'

const { seeds, firstSeed } = readSimulationSettings()
const lanes = 4
/** Worlds that once violated an invariant. They stay. */
const regressions = [405, 409, 527]

/** `npm run simulate -- --seed N` replays one of them with a trace of what happened. */
describe(`${seeds} simulated worlds, from seed ${firstSeed}`, () => {
  // Lanes share the two cores; each world has a database of its own.
  test.concurrent.each(Array.from({ length: lanes }, (_, lane) => lane))(
    'the invariants hold at every moment, and everything comes right after the calm (lane %i)',
    async (lane) => {
      let worlds = 0
      const wanted = [...Array.from({ length: seeds }, (_, index) => firstSeed + index), ...regressions]
      for (const seed of wanted.filter((_, index) => index % lanes === lane)) {
        const database = await createTestDatabase()
        try {
          await simulate({ seed, databaseUrl: database.url })
          worlds += 1
        } finally {
          await database.drop()
        }
      }
      expect(worlds).toBe(Math.ceil((seeds + regressions.length - lane) / lanes))
    },
    900_000,
  )
})
