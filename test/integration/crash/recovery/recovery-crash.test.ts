import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RecoveryCloud, ScenarioTraits } from './clouds/recovery-cloud.ts'
import { recoveryClouds } from './clouds/index.ts'
import { recoveryMatrixConfig } from './config.ts'
import { casesOf, makeRig } from './recovery-matrix.ts'
import type { MatrixCase, Rig } from './recovery-matrix.ts'
import { scenarios } from './scenarios/index.ts'
import type { Scenario } from './scenarios/scenario.ts'

const { all, cloud: only, scenario: words, parallel } = recoveryMatrixConfig()

/** What one world and its worker are killed for, one after the other. */
interface Lane {
  readonly cloud: RecoveryCloud
  readonly groups: readonly { readonly title: string; readonly cases: readonly (MatrixCase & { readonly outcome: PromiseWithResolvers<void> })[] }[]
}

const laneOf = (cloud: RecoveryCloud, groups: readonly { readonly title: string; readonly cases: readonly MatrixCase[] }[]): Lane => ({
  cloud,
  groups: [
    ...groups,
    {
      title: `after ${groups.map(({ title }) => title).join(', and ')}`,
      cases: [{ sentence: 'nothing is under way, and the audit trail holds', run: (rig: Rig) => rig.finish() }],
    },
  ].map(({ title, cases }) => ({ title, cases: cases.map((one) => ({ ...one, outcome: Promise.withResolvers<void>() })) })),
})

/** Kills of one world: so many that a few worlds beside each other are at an end at about the same time. */
const killsOfOneWorld = 24

function partsOf(cloud: RecoveryCloud, scenario: Scenario, traits: ScenarioTraits): readonly Lane[] {
  const cases = casesOf(cloud, scenario, traits, all)
  const parts = Array.from({ length: Math.ceil(cases.length / killsOfOneWorld) }, (_, part) =>
    cases.slice(part * killsOfOneWorld, (part + 1) * killsOfOneWorld),
  )
  const partOf = (part: number): string => (parts.length === 1 ? '' : ` (${part + 1} of ${parts.length})`)
  return parts.map((some, part) =>
    laneOf(cloud, [{ title: `on ${cloud.cloud.title}, ${scenario.title} is whole, or has not been${partOf(part)}`, cases: some }]),
  )
}

const wanted = recoveryClouds
  .filter(({ cloud: { name } }) => only === undefined || name === only)
  .map((cloud) => ({
    cloud,
    chosen: scenarios
      .filter(({ title }) => title.includes(words))
      .flatMap((scenario) => {
        const traits = cloud.scenarios[scenario.name]
        return 'missing' in traits || (!all && traits.sample === undefined) ? [] : [{ scenario, traits }]
      }),
  }))
type Chosen = (typeof wanted)[number]['chosen']
/** A few scenarios are one world; where there are many the longest has its own. */
const worldsOf = (chosen: Chosen): readonly Chosen[] =>
  chosen.length <= 2
    ? [chosen]
    : [chosen.filter(({ scenario }) => scenario.name === 'rollback'), chosen.filter(({ scenario }) => scenario.name !== 'rollback')]
const sampleOf = (cloud: RecoveryCloud, chosen: Chosen): Lane =>
  laneOf(
    cloud,
    chosen.flatMap(({ scenario, traits }) => partsOf(cloud, scenario, traits).flatMap(({ groups }) => groups.slice(0, -1))),
  )
const lanes: readonly Lane[] = wanted.flatMap(({ cloud, chosen }) =>
  all
    ? chosen.flatMap(({ scenario, traits }) => partsOf(cloud, scenario, traits))
    : worldsOf(chosen).flatMap((some) => (some.length === 0 ? [] : [sampleOf(cloud, some)])),
)
if (!scenarios.some(({ title }) => title.includes(words)))
  throw new Error(`No scenario's title has the words "${words}". Titles: ${scenarios.map(({ title }) => title).join('; ')}.`)

// Beside each other, for much of the time is spent waiting for leases to run out, and for the cloud.
const queue = [...lanes]
let running: Promise<unknown> = Promise.resolve()
beforeAll(() => {
  const run = async ({ cloud, groups }: Lane): Promise<void> => {
    let failure: unknown
    let rig: Rig | undefined
    for (const { run: runCase, outcome } of groups.flatMap(({ cases }) => cases)) {
      // Nobody may be waiting yet when a case fails.
      outcome.promise.catch(() => undefined)
      try {
        // The world of the next one is what this one has left.
        if (failure !== undefined) throw new Error('not tried: what came before has failed', { cause: failure })
        rig ??= await makeRig(cloud)
        await runCase(rig)
        outcome.resolve()
      } catch (error) {
        failure ??= error
        outcome.reject(error)
      }
    }
    await rig?.close()
  }
  const lane = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) await run(next)
  }
  running = Promise.all(Array.from({ length: parallel }, lane))
})
afterAll(async () => {
  queue.length = 0
  await running
}, 900_000)

for (const { title, cases } of lanes.flatMap(({ groups }) => groups)) {
  describe(title, () => {
    for (const { sentence, outcome } of cases) test(sentence, () => expect(outcome.promise).resolves.toBeUndefined(), 14_400_000)
  })
}
for (const { cloud } of wanted)
  for (const { name, title } of scenarios.filter((scenario) => scenario.title.includes(words))) {
    const traits = cloud.scenarios[name]
    if ('missing' in traits) test.skip(`on ${cloud.cloud.title}, ${title}: ${traits.missing}`)
  }
