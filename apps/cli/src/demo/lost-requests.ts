import type { Load } from './load.ts'
import { printTraffic, reportTraffic } from './traffic-report.ts'

interface Expectation {
  /** Requests per second. */
  readonly rate: number
  readonly say: (line: string) => void
}

/** Ends the traffic and prints what came of it. Too few requests would prove nothing, and count as lost. */
export async function lostRequests(load: Load, noticedMs: number, roles: ReadonlyMap<string, string>, { rate, say }: Expectation): Promise<number> {
  const { seconds } = await load.stop()
  // The last part of a path is enough to know an instance by.
  const sent = load.sent.map(({ instance, ...one }) => ({ ...one, instance: instance?.split('/').pop() }))
  const report = reportTraffic(sent, noticedMs, seconds)
  printTraffic(report, roles, say)
  const missing = Math.floor(rate * seconds * 0.98) - report.requests
  if (missing <= 0) return report.lost
  say(`  and ${missing} that should have been sent were not: this machine is too busy for ${rate} requests per second`)
  return report.lost + missing
}
