import { createTestDatabase } from '@understudy/testing'
import { describe, expect, test } from 'vitest'
import { aws } from './clouds/aws.ts'
import { cloudsOf } from './clouds/index.ts'
import { readSimulationSettings } from './config.ts'
import { simulate } from './simulate.ts'
import type { SimulationOptions, SimulationReport } from './simulate.ts'

export type Seeded = Omit<SimulationOptions, 'databaseUrl'>

/** Two worlds at a time: while one asks the database, the other thinks. */
const lanes = 2

/** As worlds were before their seeds chose clouds and ways in: what once violated an invariant did so there. */
export const plain = { clouds: [aws], mechanism: 'lb-weight', memory: false } as const

/** One world in a database of its own. */
export async function inOwnDatabase(options: Seeded): Promise<SimulationReport> {
  const database = await createTestDatabase()
  try {
    return await simulate({ ...options, databaseUrl: database.url })
  } finally {
    await database.drop()
  }
}

/**
 * The worlds of `npm test` that have exactly these clouds, and those that once violated an invariant.
 * `npm run simulate -- --seed N` replays one of them with a trace of what happened.
 */
export function describeWorlds(title: string, names: readonly string[], regressions: readonly Seeded[]): void {
  const { seeds, firstSeed } = readSimulationSettings()
  const drawn = Array.from({ length: seeds }, (_, index) => firstSeed + index)
    .map((seed) => ({ seed, clouds: cloudsOf(seed) }))
    .filter(({ clouds }) => clouds.map(({ name }) => name).join() === names.join())
    .map((options): Seeded => ({ ...options, calmMinutes: 6 }))
  const wanted = [...drawn, ...regressions]
  describe(`${wanted.length} simulated worlds ${title}, from seed ${firstSeed}`, () => {
    test.concurrent.each(Array.from({ length: lanes }, (_, lane) => lane))(
      'the invariants hold at every moment, and everything comes right after the calm (lane %i)',
      async (lane) => {
        const mine = wanted.filter((_, index) => index % lanes === lane)
        let worlds = 0
        for (const options of mine) worlds += (await inOwnDatabase(options)).ticks > 0 ? 1 : 0
        expect(worlds).toBe(mine.length)
      },
      1_800_000,
    )
  })
}
