import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { request } from 'undici'
import { readBreakdown } from './breakdown.ts'
import type { Breakdown } from './breakdown.ts'
import { cpuBetween, cpuSeconds } from './cpu.ts'
import type { CpuSeconds } from './cpu.ts'
import { createEstate } from './estate.ts'
import type { Estate } from './estate.ts'
import { percentile } from './figures.ts'
import { startFloor } from './floor-run.ts'
import type { Installation } from './installation.ts'
import { wideLimits } from './limits.ts'
import { monotonicMs } from './protocol.ts'
import type { SeededPair } from './protocol.ts'

export interface IdleResult {
  readonly samples: number
  /** From the 202 of the API, which says that the notice is durable, until the region has carried the redirect out. */
  readonly accepted: Spread
  /** From the first byte of the request instead. */
  readonly sent: Spread
  readonly floor: Spread
  /** p99 of `accepted` over p99 of the floor; and the same from the request on. */
  readonly ratio: number
  readonly ratioOfMedians: number
  readonly ratioFromRequest: number
  readonly breakdown: Breakdown
  readonly cpuSeconds: CpuSeconds
}
export interface Spread {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}
export const spreadOf = (values: readonly number[]): Spread => ({
  p50Ms: percentile(values, 50),
  p99Ms: percentile(values, 99),
  maxMs: percentile(values, 100),
})

const warmUps = 5
const movedWithinMs = 30_000
const endedWithinMs = 60_000

/** One interruption at a time, each of a resource that nothing has happened to yet, in turns with the floor. */
export async function measureIdle(installation: Installation, postmaster: number | undefined, samples: number): Promise<IdleResult> {
  const { region } = installation
  const seed = { mechanism: 'lb-weight', perGroup: 1, drainSeconds: 0 } as const
  const seeded = await region.ask({ call: 'seed', seed: { ...seed, prefix: 'idle', count: samples + warmUps + 1 } })
  const [floorPair, ...pairs] = seeded.pairs
  if (!floorPair) throw new Error('the floor has nothing to work on')
  const estate = await createEstate(installation, pairs, wideLimits)
  const floor = await startFloor(installation, { concurrency: 16 })
  const running = await installation.start()
  const processes = { ...running.pids, region: region.pid }
  const before = cpuSeconds(processes, postmaster)
  const measured: { acceptedMs: number; sentMs: number }[] = []
  const floors: number[] = []
  for (const [index, pair] of pairs.entries()) {
    region.forgetMoves()
    const floorMs = await floorOnce(installation, floor, floorPair)
    const sample = await interruptOnce(installation, running.apiUrl, estate, pair)
    await settle(estate, estate.resourceIds[index] ?? '')
    if (index < warmUps) continue
    floors.push(floorMs)
    measured.push(sample)
  }
  const cpu = cpuBetween(before, cpuSeconds(processes, postmaster))
  const breakdown = await readBreakdown(installation.databaseUrl, running.workerUrl)
  await floor.stop()
  await estate.close()
  const accepted = spreadOf(measured.map(({ acceptedMs }) => acceptedMs))
  const sent = spreadOf(measured.map(({ sentMs }) => sentMs))
  const least = spreadOf(floors)
  return {
    ...{ samples, accepted, sent, floor: least, breakdown, cpuSeconds: cpu },
    ratio: accepted.p99Ms / least.p99Ms,
    ratioOfMedians: accepted.p50Ms / least.p50Ms,
    ratioFromRequest: sent.p99Ms / least.p99Ms,
  }
}

async function floorOnce({ region }: Installation, floor: Awaited<ReturnType<typeof startFloor>>, pair: SeededPair): Promise<number> {
  const startedMs = monotonicMs()
  await floor.add([pair])
  return movedAt(await region.untilMoved([pair.entry], movedWithinMs), pair.entry) - startedMs
}

async function interruptOnce(
  { region }: Installation,
  apiUrl: string,
  estate: Estate,
  pair: SeededPair,
): Promise<{ readonly acceptedMs: number; readonly sentMs: number }> {
  const body = JSON.stringify(warning(pair, region.region))
  const headers = { 'content-type': 'application/json', 'x-understudy-ingest-key': estate.ingestKey }
  const sentMs = monotonicMs()
  const answer = await request(`${apiUrl}/v1/ingest/aws/${estate.account.id}`, { method: 'POST', headers, body })
  const text = await answer.body.text()
  const acceptedMs = monotonicMs()
  if (answer.statusCode !== 202) throw new Error(`the API answered ${answer.statusCode}: ${text}`)
  const atMs = movedAt(await region.untilMoved([pair.entry], movedWithinMs), pair.entry)
  return { acceptedMs: atMs - acceptedMs, sentMs: atMs - sentMs }
}

function movedAt(moved: ReadonlyMap<string, number>, entry: string): number {
  const atMs = moved.get(entry)
  if (atMs === undefined) throw new Error(`the traffic of ${entry} has not moved within ${movedWithinMs / 1000} s`)
  return atMs
}

/** As EventBridge sends it. */
const warning = (pair: SeededPair, region: string): object => ({
  version: '0',
  id: randomUUID(),
  'detail-type': 'EC2 Spot Instance Interruption Warning',
  source: 'aws.ec2',
  account: '123456789012',
  time: new Date().toISOString(),
  region,
  resources: [`arn:aws:ec2:${pair.primaryZone}:instance/${pair.primaryId}`],
  detail: { 'instance-id': pair.primaryId, 'instance-action': 'terminate' },
})

/** Waits for the end of the failover. The hold keeps the launch of a new shadow from disturbing the next sample. */
async function settle({ control, account }: Estate, resourceId: string): Promise<void> {
  const { resources, operations } = control.database.stores
  for (;;) {
    const resource = await resources.findById(resourceId)
    if (!resource) throw new Error(`${resourceId} is gone`)
    const hold = { reason: 'the next sample', by: 'bench', until: new Date(Date.now() + 86_400_000) }
    const held = await resources.update({ ...resource, hold }, resource.version).then(
      () => true,
      () => false, // promoted meanwhile: the version has moved on
    )
    if (held) break
  }
  for (const untilMs = monotonicMs() + endedWithinMs; monotonicMs() < untilMs; await setTimeout(20)) {
    const [last] = await operations.list(account.projectId, { after: undefined, limit: 1, resourceId, kind: 'failover' })
    if (last?.status === 'succeeded') return
    if (last && ['failed', 'stuck', 'cancelled'].includes(last.status)) throw new Error(`${last.id} ${last.status}: ${last.error?.message ?? ''}`)
  }
  throw new Error(`the failover of ${resourceId} has not ended within ${endedWithinMs / 1000} s`)
}
