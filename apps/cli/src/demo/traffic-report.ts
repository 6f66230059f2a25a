import type { Sent } from './load.ts'

export interface TrafficReport {
  readonly requests: number
  readonly lost: number
  /** Requests that were answered, per second of sending. */
  readonly answeredPerSecond: number
  /** In the order in which they first answered. */
  readonly answeredBy: readonly { readonly instance: string; readonly requests: number; readonly firstMs: number; readonly lastMs: number }[]
  readonly phases: readonly Phase[]
  /** The first few, to see what went wrong. */
  readonly failures: readonly string[]
}

interface Phase {
  readonly title: string
  readonly requests: number
  readonly lost: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly slowestMs: number
}

/** How much of what follows the notice counts as the switch. */
const switchMs = 5000

/** All times are milliseconds of `performance.now()`; those in the report are relative to the notice. */
export function reportTraffic(sent: readonly Sent[], noticedMs: number, seconds: number): TrafficReport {
  const inOrder = sent.toSorted((a, b) => a.atMs - b.atMs)
  const answered = inOrder.filter(({ instance }) => instance !== undefined)
  const instances = [...new Set(answered.map(({ instance }) => instance ?? ''))]
  const between = (title: string, fromMs: number, toMs: number): Phase =>
    phase(
      title,
      inOrder.filter(({ atMs }) => atMs - noticedMs >= fromMs && atMs - noticedMs < toMs),
    )
  return {
    requests: sent.length,
    lost: sent.length - answered.length,
    answeredPerSecond: answered.length / seconds,
    answeredBy: instances.map((instance) => {
      const own = answered.filter((one) => one.instance === instance).map(({ atMs }) => atMs - noticedMs)
      return { instance, requests: own.length, firstMs: own[0] ?? 0, lastMs: own.at(-1) ?? 0 }
    }),
    phases: [
      between('before the notice', Number.NEGATIVE_INFINITY, 0),
      between(`${switchMs / 1000} s around the switch`, 0, switchMs),
      between('afterwards', switchMs, Number.POSITIVE_INFINITY),
    ],
    failures: inOrder.flatMap(({ failure }) => failure ?? []).slice(0, 5),
  }
}

function phase(title: string, sent: readonly Sent[]): Phase {
  const sorted = sent.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  const lost = sent.filter(({ instance }) => instance === undefined).length
  return { title, requests: sent.length, lost, p50Ms: at(0.5), p99Ms: at(0.99), slowestMs: at(1) }
}

/** As columns; `roles` says what an instance was. */
export function printTraffic(report: TrafficReport, roles: ReadonlyMap<string, string>, say: (line: string) => void): void {
  const { requests, answeredPerSecond, answeredBy, phases, lost, failures } = report
  say('')
  say(`Traffic: ${count(requests)} requests, ${Math.round(answeredPerSecond)} answered per second, by a client that never retries`)
  say('')
  say(`  ${'answered by'.padEnd(40)}requests    first    last, seconds since the notice`)
  for (const one of answeredBy) {
    const who = `${one.instance}  ${roles.get(one.instance) ?? ''}`
    say(`  ${who.padEnd(40)}${count(one.requests).padStart(8)}${seconds(one.firstMs).padStart(9)}${seconds(one.lastMs).padStart(8)}`)
  }
  say('')
  say(`  ${'latency, milliseconds'.padEnd(40)}requests      p50     p99  slowest     lost`)
  for (const one of phases) {
    const times = [one.p50Ms.toFixed(1).padStart(9), one.p99Ms.toFixed(1).padStart(8), one.slowestMs.toFixed(1).padStart(9)].join('')
    say(`  ${one.title.padEnd(40)}${count(one.requests).padStart(8)}${times}${String(one.lost).padStart(9)}`)
  }
  say('')
  say(`  ${lost} failed request${lost === 1 ? '' : 's'}`)
  for (const failure of failures) say(`    ${failure}`)
}

const count = (value: number): string => value.toLocaleString('en-US')
const seconds = (ms: number): string => (ms / 1000).toFixed(2)
