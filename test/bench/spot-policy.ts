import { seededRandom } from '@understudy/core'
import {
  isLostWithin,
  nineZones,
  nineZoneStatistics,
  perfectForesight,
  rankPairs,
  replayRisk,
  scoreCalibration,
  simulateSpot,
  syntheticTrace,
  tickCount,
  traceStatistics,
  trainHazardModel,
  trainJointRisk,
} from '@understudy/forecast/risk'
import type { Calibration, CapacityTrace, JointRiskModel, SpotForecast, SpotOutcome, SpotParameters, SpotPolicy } from '@understudy/forecast/risk'
import { mkdir, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { readTraces } from './spot-traces.ts'

/*
 * `npm run bench -- spot-policy`: what each way of living on interruptible capacity costs and is worth, on made traces with the
 * statistics of a public nine-zone trace, or with `--traces FOLDER` on real ones (their format: `spot-traces.ts`). The models learn
 * from the first 30 days, or the first two thirds of a shorter trace, and are judged on the rest.
 */

const trainingDays = 30
type Row = SpotOutcome & { readonly policy: string; readonly bestAvailability?: number }

export async function benchSpotPolicy(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string', default: '5' },
      traces: { type: 'string' },
      'cold-start': { type: 'string', default: '300' },
      notice: { type: 'string', default: '0' },
      'price-ratio': { type: 'string', default: String(nineZoneStatistics.priceRatio) },
    },
  })
  const parameters: SpotParameters = {
    coldStartSeconds: Number(values['cold-start']),
    warmSwitchSeconds: 15,
    onDemandStartSeconds: 180,
    noticeSeconds: Number(values.notice),
    spotPriceRatio: Number(values['price-ratio']),
  }
  const real = values.traces === undefined ? undefined : await readTraces(values.traces)
  const runs =
    real === undefined
      ? Array.from({ length: Number(values.seeds) }, (_, index) =>
          runTrace(syntheticTrace({ pools: nineZones(), ...nineZoneStatistics, random: seededRandom(index + 1) }), index + 1, parameters),
        )
      : [runTrace(real, 0, parameters)]
  const rows = (runs[0]?.rows ?? []).map((row, index) => meanRow(runs.map((run) => run.rows[index] ?? row)))
  say(
    real === undefined
      ? `Made traces, seeds 1–${runs.length}: nine zones, ${nineZoneStatistics.days} days, tick ${nineZoneStatistics.tickSeconds} s; trained on ${trainingDays} days, tested on the rest.`
      : `Real traces: ${real.pools.length} zones, ${((tickCount(real) * real.tickSeconds) / 86_400).toFixed(1)} days, tick ${real.tickSeconds} s; trained on ${((firstTestTick(real) * real.tickSeconds) / 86_400).toFixed(1)} days, tested on the rest.`,
  )
  say(
    `Cold start ${parameters.coldStartSeconds} s, warm switch ${parameters.warmSwitchSeconds} s, on-demand start ${parameters.onDemandStartSeconds} s, notice ${parameters.noticeSeconds} s, spot price ${parameters.spotPriceRatio} of on-demand.`,
  )
  say('An outage is longer than a warm switch. Rows of a fixed home are means over the homes.\n')
  say(`${'policy'.padEnd(58)} availability %  best home %  cost/on-demand  outages/day  longest min`)
  for (const row of rows) {
    const best = row.bestAvailability === undefined ? '' : percent(row.bestAvailability)
    say(
      [
        row.policy.padEnd(58),
        percent(row.availability).padStart(14),
        best.padStart(12),
        row.costRatio.toFixed(3).padStart(15),
        row.outagesPerDay.toFixed(2).padStart(12),
        (row.longestOutageSeconds / 60).toFixed(0).padStart(12),
      ].join(' '),
    )
  }
  say('\nseed  AUC 30 min  Brier skill  calibration error  corr same/other region  joint outage: pair of day 30 / chosen anew / best in hindsight')
  for (const { seed, calibration, correlation, pair } of runs) {
    say(
      `${String(seed).padStart(4)} ${calibration.auc.toFixed(3).padStart(11)} ${calibration.brierSkill.toFixed(3).padStart(12)} ${calibration.expectedCalibrationError.toFixed(4).padStart(18)}` +
        `${`${correlation.sameRegion.toFixed(2)} / ${correlation.otherRegion.toFixed(2)}`.padStart(24)}${`${percent(pair.chosen)} % / ${percent(pair.chosenAnew)} % / ${percent(pair.best)} %`.padStart(42)}`,
    )
  }
  const summary = {
    auc: mean(runs.map((run) => run.calibration.auc)),
    expectedCalibrationError: mean(runs.map((run) => run.calibration.expectedCalibrationError)),
    pairGap: mean(runs.map((run) => run.pair.chosen - run.pair.best)),
    pairGapChosenAnew: mean(runs.map((run) => run.pair.chosenAnew - run.pair.best)),
  }
  say(
    `mean: AUC ${summary.auc.toFixed(3)}, calibration error ${summary.expectedCalibrationError.toFixed(4)}, pair of day 30 ${percent(summary.pairGap)} points from the best, chosen anew ${percent(summary.pairGapChosenAnew)}`,
  )
  await mkdir('bench-results', { recursive: true })
  const file = 'bench-results/spot-policy.json'
  await writeFile(file, `${JSON.stringify({ bench: 'spot-policy', parameters, rows, summary, runs }, null, 2)}\n`)
  say(`Written to ${file}`)
}

function firstTestTick(trace: CapacityTrace): number {
  return Math.floor(Math.min((trainingDays * 86_400) / trace.tickSeconds, (tickCount(trace) * 2) / 3))
}

function runTrace(trace: CapacityTrace, seed: number, parameters: SpotParameters) {
  const fromTick = firstTestTick(trace)
  const joint = trainJointRisk(trace, { untilTick: fromTick })
  const risk = replayRisk(trainHazardModel(trace, { untilTick: fromTick }), trace, 1800)
  const foresight = perfectForesight(trace, parameters.coldStartSeconds)
  const play = (policy: SpotPolicy, forecast: SpotForecast = { risk, joint }): SpotOutcome =>
    simulateSpot(trace, { policy, parameters, forecast, fromTick })
  return {
    seed,
    calibration: calibrationOf(trace, risk, fromTick),
    correlation: traceStatistics(trace).correlation,
    pair: { ...pairInHindsight(trace, joint, fromTick), chosenAnew: pairChosenAnew(trace, { risk, joint }, fromTick) },
    rows: [onDemandOnly(trace, fromTick, parameters), ...fixedRows(trace, fromTick, joint, play), ...freeRows(trace, { foresight, joint }, play)],
  }
}

type Play = (policy: SpotPolicy, forecast?: SpotForecast) => SpotOutcome

function onDemandOnly(trace: CapacityTrace, fromTick: number, { onDemandStartSeconds }: SpotParameters): Row {
  const seconds = (tickCount(trace) - fromTick) * trace.tickSeconds
  return {
    policy: 'on-demand only',
    availability: 1 - onDemandStartSeconds / seconds,
    costRatio: 1,
    outagesPerDay: 86_400 / seconds,
    longestOutageSeconds: onDemandStartSeconds,
  }
}

/** Policies that are tied to a home zone. */
function fixedRows(trace: CapacityTrace, fromTick: number, joint: JointRiskModel, play: Play): readonly Row[] {
  const homes = trace.pools.map((_pool, index) => index)
  const region = (pool: number): string => trace.pools[pool]?.region ?? ''
  const downCorrelation = (a: number, b: number): number => joint.correlation[a * homes.length + b] ?? 1
  const pairs = rankPairs(joint)
  const partner = {
    least: (home: number) =>
      lowestBy(
        homes.filter((pool) => pool !== home),
        (pool) => downCorrelation(home, pool),
      ),
  }
  const byJoint = (home: number): number => {
    const pair = pairs.find(({ first, second }) => first === home || second === home)
    return pair === undefined ? home : pair.first === home ? pair.second : pair.first
  }
  const sameRegion = homes.filter((home) => homes.some((pool) => pool !== home && region(pool) === region(home)))
  const neighbour = (home: number): number =>
    lowestBy(
      homes.filter((pool) => pool !== home && region(pool) === region(home)),
      (pool) => joint.downShare[pool] ?? 1,
    )
  const over = (policy: string, among: readonly number[], plan: (home: number) => SpotPolicy): Row => {
    const outcomes = among.map((home) => play(plan(home)))
    return { policy, ...meanOutcome(outcomes), bestAvailability: Math.max(...outcomes.map((outcome) => outcome.availability)) }
  }
  const alone = (pool: number): SpotPolicy => ({ pools: [pool], shadow: 'never', shadowPool: 'same', hasFallback: false })
  const twin = (a: number, b: number): SpotPolicy => ({ pools: [a, b], shadow: 'always', shadowPool: 'lowest-risk', hasFallback: false })
  const best = lowestBy(homes, (pool) => joint.downShare[pool] ?? 1)
  return [
    over('no shadow, fixed zone', homes, alone),
    { policy: 'no shadow, best zone of the training days', ...play(alone(best)) },
    over('1 shadow, same zone', homes, (home) => ({ ...alone(home), shadow: 'always' })),
    over('1 shadow, same region, other zone', sameRegion, (home) => twin(home, neighbour(home))),
    over('1 shadow, least correlated zone', homes, (home) => twin(home, partner.least(home))),
    over('1 shadow, zone with least joint outage', homes, (home) => twin(home, byJoint(home))),
  ]
}

/** Policies that go where the risk is least. */
function freeRows(trace: CapacityTrace, known: { readonly foresight: Float64Array; readonly joint: JointRiskModel }, play: Play): readonly Row[] {
  const pools = trace.pools.map((_pool, index) => index)
  const base: SpotPolicy = { pools, shadow: 'never', shadowPool: 'least-joint-risk', hasFallback: false }
  const oracle: SpotForecast = { risk: known.foresight, joint: known.joint }
  const justInTime: SpotPolicy = { ...base, shadow: 0.9, shadowPool: 'lowest-risk' }
  const predicted = (shadow: number): SpotPolicy => ({ ...base, shadow, hasFallback: true })
  const row = (policy: string, plan: SpotPolicy, forecast?: SpotForecast): Row => ({ policy, ...play(plan, forecast) })
  return [
    row('no shadow, cold failover to any zone', base),
    row('1 shadow always, placed by risk and correlation', { ...base, shadow: 'always' }),
    row('predicted shadow, p30 > 0.02', { ...base, shadow: 0.02 }),
    row('predicted shadow, p30 > 0.05', { ...base, shadow: 0.05 }),
    row('no shadow + on-demand fallback', { ...base, hasFallback: true }),
    row('predicted shadow p30 > 0.05 + fallback', predicted(0.05)),
    row('predicted shadow p30 > 0.05 + migrate + fallback', { ...predicted(0.05), migrateGain: 0.02 }),
    row('predicted shadow p30 > 0.03 + migrate + fallback', { ...predicted(0.03), migrateGain: 0.02 }),
    row('predicted shadow p30 > 0.02 + migrate + fallback', { ...predicted(0.02), migrateGain: 0.02 }),
    row('always shadow + fallback', { ...base, shadow: 'always', hasFallback: true }),
    row('oracle: shadow just in time', justInTime, oracle),
    row('oracle: shadow just in time + fallback', { ...justInTime, hasFallback: true }, oracle),
  ]
}

function calibrationOf(trace: CapacityTrace, risk: Float64Array, fromTick: number): Calibration {
  const width = trace.pools.length
  const ticks = Math.round(1800 / trace.tickSeconds)
  const forecasts: number[] = []
  const outcomes: number[] = []
  for (let tick = fromTick; tick + ticks < tickCount(trace); tick++) {
    for (let pool = 0; pool < width; pool++) {
      if (trace.up[tick * width + pool] === 0) continue
      forecasts.push(risk[tick * width + pool] ?? 1)
      outcomes.push(isLostWithin(trace, pool, tick, ticks) ? 1 : 0)
    }
  }
  return scoreCalibration(Float64Array.from(forecasts), Uint8Array.from(outcomes))
}

/** Share of the test time that both zones of the chosen pair, and of the best pair, were down. */
function pairInHindsight(trace: CapacityTrace, joint: JointRiskModel, fromTick: number): { readonly chosen: number; readonly best: number } {
  const width = trace.pools.length
  const bothDown = (a: number, b: number): number => {
    let count = 0
    for (let tick = fromTick; tick < tickCount(trace); tick++) count += trace.up[tick * width + a] === 0 && trace.up[tick * width + b] === 0 ? 1 : 0
    return count / (tickCount(trace) - fromTick)
  }
  const real = rankPairs(joint).map(({ first, second }) => bothDown(first, second))
  return { chosen: real[0] ?? 1, best: Math.min(...real) }
}

/** The same when the pair is chosen anew every half hour by what is known then. */
function pairChosenAnew(trace: CapacityTrace, { risk, joint }: SpotForecast, fromTick: number): number {
  const width = trace.pools.length
  const stay = Math.round(1800 / trace.tickSeconds)
  let count = 0
  let pair = rankPairs(joint)[0]
  for (let tick = fromTick; tick < tickCount(trace); tick++) {
    if ((tick - fromTick) % stay === 0) pair = rankPairs(joint, Array.from(risk.subarray(tick * width, (tick + 1) * width)))[0]
    if (trace.up[tick * width + (pair?.first ?? 0)] === 0 && trace.up[tick * width + (pair?.second ?? 0)] === 0) count += 1
  }
  return count / (tickCount(trace) - fromTick)
}

function meanOutcome(outcomes: readonly SpotOutcome[]): SpotOutcome {
  return {
    availability: mean(outcomes.map((outcome) => outcome.availability)),
    costRatio: mean(outcomes.map((outcome) => outcome.costRatio)),
    outagesPerDay: mean(outcomes.map((outcome) => outcome.outagesPerDay)),
    longestOutageSeconds: Math.max(...outcomes.map((outcome) => outcome.longestOutageSeconds)),
  }
}

function meanRow(rows: readonly Row[]): Row {
  const best = rows.flatMap((row) => row.bestAvailability ?? [])
  return { policy: rows[0]?.policy ?? '', ...meanOutcome(rows), ...(best.length === 0 ? {} : { bestAvailability: mean(best) }) }
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function lowestBy(items: readonly number[], score: (item: number) => number): number {
  return [...items].sort((a, b) => score(a) - score(b))[0] ?? 0
}

function percent(share: number): string {
  return (share * 100).toFixed(3)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
