import { asRatio, inMs, inSeconds, table } from './figures.ts'
import type { CloudResult } from './cloud-row.ts'
import type { IdleResult } from './idle.ts'
import type { MassResult } from './mass.ts'

export function idleTable(backend: string, { samples, accepted, sent, floor, ...ratios }: IdleResult): string {
  const row = (what: string, { p50Ms, p99Ms, maxMs }: IdleResult['floor'], over: string) => [what, inMs(p50Ms), inMs(p99Ms), inMs(maxMs), over]
  return table(
    [`one interruption at idle, ${backend}, ${samples} samples`, 'p50', 'p99', 'max', 'p99 over floor'],
    [
      row('accepted → traffic moved', accepted, `${asRatio(ratios.ratio)} (medians ${asRatio(ratios.ratioOfMedians)})`),
      row('request sent → traffic moved', sent, asRatio(ratios.ratioFromRequest)),
      row('floor: bare job + row + call', floor, ''),
    ],
  )
}

export function cloudTable(backend: string, clouds: readonly CloudResult[]): string {
  return table(
    [`a row per cloud, ${backend}`, 'samples', 'accepted → moved p50', 'p99', 'of p50: probes of the load balancer', 'floor p50', 'p99', 'notice'],
    clouds.map(({ cloud, samples, noticeSeconds, accepted, probeP50Ms, floor }) => [
      ...[cloud, String(samples), inMs(accepted.p50Ms), inMs(accepted.p99Ms)],
      ...[probeP50Ms === 0 ? '-' : inMs(probeP50Ms), inMs(floor.p50Ms), inMs(floor.p99Ms), `${noticeSeconds} s`],
    ]),
  )
}

export function massTable(backend: string, results: readonly MassResult[]): string {
  return table(
    [`mass reclaim, ${backend}`, 'limits', 'redirected', 'first', 'median', 'last', 'floor: first', 'median', 'last', 'last over floor'],
    results.map((result) => [
      `${result.resources} × ${result.mechanism}`,
      result.limits,
      `${result.redirected}`,
      ...[result.first, result.median, result.last].map(inSeconds),
      ...(result.floor ? [result.floor.first, result.floor.median, result.floor.last].map(inSeconds) : ['-', '-', '-']),
      result.floor ? asRatio(result.last / result.floor.last) : '-',
    ]),
  )
}

const callsShown = 8

/** Where the time goes. */
export function breakdownTable(result: Pick<IdleResult, 'breakdown' | 'cpuSeconds'> & Partial<Pick<MassResult, 'calls'>>): string {
  const { stages, calls } = result.breakdown
  const cpu = Object.entries(result.cpuSeconds).map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`)
  return [
    table(
      ['where the time goes', 'p50', 'p99'],
      stages.map(({ stage, p50Ms, p99Ms }) => [stage, inMs(p50Ms), inMs(p99Ms)]),
    ),
    `provider calls: ${calls
      .slice(0, callsShown)
      .map(({ call, count, meanMs }) => `${call} ${count} × ${inMs(meanMs)}`)
      .join(', ')}`,
    ...(result.calls
      ? [
          `API calls: ${Object.entries(result.calls)
            .slice(0, callsShown)
            .map(([name, count]) => `${name} ${count}`)
            .join(', ')}`,
        ]
      : []),
    `CPU: ${cpu.length === 0 ? 'not known here' : cpu.join(', ')}`,
  ].join('\n')
}
