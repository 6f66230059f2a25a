import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { casesOf, makeRig } from './recovery-matrix.ts'
import type { Rig } from './recovery-matrix.ts'
import { lanes } from './scenarios.ts'

/** `npm run crash-recovery` kills at every moment; `npm test` takes a sample of all. */
const all = process.env['CRASH_MATRIX'] === 'all'
const only = process.env['CRASH_MATRIX_SCENARIO'] ?? ''

const rows = lanes
  .map((scenarios) => scenarios.filter(({ title }) => title.includes(only)))
  .filter((scenarios) => scenarios.length > 0)
  .map((scenarios) =>
    [
      ...scenarios.map((scenario) => ({
        title: `${scenario.title} is whole, or has not been, when its worker is`,
        cases: casesOf(scenario, all),
      })),
      {
        title: `after ${scenarios.map(({ title }) => title).join(', ')}`,
        cases: [{ sentence: 'nothing is under way, and the audit trail holds', run: (rig: Rig) => rig.finish() }],
      },
    ].map(({ title, cases }) => ({ title, cases: cases.map((one) => ({ ...one, outcome: Promise.withResolvers<void>() })) })),
  )

// Beside each other, for much of the time is spent waiting for leases to run out, and for the cloud.
let running: Promise<unknown> = Promise.resolve()
beforeAll(() => {
  const lane = async (row: (typeof rows)[number]): Promise<void> => {
    let failure: unknown
    let rig: Rig | undefined
    for (const { run, outcome } of row.flatMap(({ cases }) => cases)) {
      // Nobody may be waiting yet when a case fails.
      outcome.promise.catch(() => undefined)
      try {
        // The world of the next one is what this one has left.
        if (failure !== undefined) throw new Error('not tried: what came before has failed', { cause: failure })
        rig ??= await makeRig()
        await run(rig)
        outcome.resolve()
      } catch (error) {
        failure ??= error
        outcome.reject(error)
      }
    }
    await rig?.close()
  }
  running = Promise.all(rows.map(lane))
})
afterAll(() => running, 900_000)

for (const { title, cases } of rows.flat()) {
  describe(title, () => {
    for (const { sentence, outcome } of cases) test(sentence, () => expect(outcome.promise).resolves.toBeUndefined(), 7_200_000)
  })
}
