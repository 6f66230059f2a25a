import { diskBlockStore } from '@understudy/cloud-sim'
import { createUnderstudyClient, dataOf, waitForOperation } from '@understudy/contract/client'
import type { UnderstudyClient } from '@understudy/contract/client'
import { startEmbeddedPostgres } from '@understudy/persistence/embedded'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startInstallation } from '../e2e/helpers/installation.ts'
import type { RunningInstallation } from '../e2e/helpers/installation.ts'
import { inMs, inSeconds, percentile, table } from './figures.ts'
import { multiplyPoints } from './recovery-points.ts'

/*
 * `npm run bench -- recovery`: how long keeping a point, planning and going back take on each simulated cloud, over the wire; what a point stores; and
 * how quickly the view of compliance answers over ten thousand points. See docs/benchmarks.md.
 */

/**
 * The clouds' clocks run at two speeds, in turns. What a cloud takes shrinks with its speed, and what we take does not: two speeds tell
 * the one from the other.
 */
const speeds = [10, 40] as const
const clouds = ['aws', 'azure', 'gcp'] as const
type Cloud = (typeof clouds)[number]

interface Sample {
  readonly captureMs: number
  readonly planMs: number
  readonly rollbackMs: number
}
interface Split {
  readonly p50Ms: number
  readonly oursMs: number
  /** Of the cloud's own clock. */
  readonly cloudSeconds: number
}

export async function benchRecovery(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { samples: { type: 'string', default: '5' }, points: { type: 'string', default: '10000' }, cloud: { type: 'string', multiple: true } },
  })
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const directory = await mkdtemp(join(tmpdir(), 'understudy-bench-'))
  const startedAt = new Date()
  say(
    `Recovery bench on ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown CPU'}. Everything but the clouds is real, in processes of its own.\n`,
  )
  const postgres = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), connectionsMax: 100 })
  const results: Record<string, unknown> = {}
  try {
    const installation = await startInstallation({ DATABASE_URL: postgres.url, UNDERSTUDY_MASTER_KEY: `bench:${'A'.repeat(43)}=` })
    try {
      const client = createUnderstudyClient({ baseUrl: installation.apiUrl, apiKey: installation.adminKey })
      const rows: string[][] = []
      for (const cloud of (values.cloud as Cloud[] | undefined) ?? clouds) {
        const measured = await measureCloud(installation, client, cloud, Number(values.samples))
        results[cloud] = measured
        const shown = (split: Split): string => `${inSeconds(split.oursMs)} + ${split.cloudSeconds.toFixed(0)} s`
        rows.push([cloud, String(measured.samples), shown(measured.capture), inMs(measured.planP50Ms), shown(measured.rollback)])
        say(`  ${cloud} is measured`)
      }
      const head = ['cloud', 'samples', 'capture: ours + the cloud’s', 'plan', 'roll back: ours + the cloud’s']
      say(`\n${table(head, rows)}\n`)
      const compliance = await measureCompliance(postgres.url, client, Number(values.points))
      results['compliance'] = compliance
      say(
        `Compliance over ${compliance.points} points of ${compliance.resources} resources, a page of ${compliance.page}: p50 ${inMs(compliance.p50Ms)}, p99 ${inMs(compliance.p99Ms)}; only violations: p50 ${inMs(compliance.violationsP50Ms)}\n`,
      )
    } finally {
      await installation.stop()
    }
    const stored = await measureStored(directory)
    results['stored'] = stored
    say(
      table(
        ['1 % of 256 MiB changed between two points', 'changed', 'stored'],
        stored.map(({ how, changedBytes, storedBytes }) => [how, mebibytes(changedBytes), mebibytes(storedBytes)]),
      ),
    )
  } finally {
    await postgres.stop()
    await rm(directory, { recursive: true, force: true })
  }
  await mkdir('bench-results', { recursive: true })
  const file = join('bench-results', `recovery-${startedAt.toISOString().replaceAll(':', '-')}.json`)
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model, node: process.version }
  await writeFile(file, `${JSON.stringify({ bench: 'recovery', startedAt, machine, options: values, speeds, results }, undefined, 2)}\n`)
  say(`\nWritten to ${file}`)
}

const patienceMs = 300_000
const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(2)} MiB`

// ---------- capture, plan, roll back ----------

async function measureCloud(installation: RunningInstallation, client: UnderstudyClient, cloud: Cloud, samples: number) {
  const control = controlOf(installation, cloud)
  await control('POST', '/clock', { speed: 50 })
  const resourceId = await imported(installation, client, cloud)
  const taken: Sample[][] = []
  for (const speed of speeds) {
    const own: Sample[] = []
    // The first one loads the SDK and is not counted.
    for (let index = taken.length === 0 ? -1 : 0; index < samples; index++) {
      await letPass(control)
      await control('POST', '/clock', { speed })
      const sample = await once(client, resourceId)
      if (index >= 0) own.push(sample)
    }
    taken.push(own)
  }
  const [slow = [], quick = []] = taken
  const p50 = (of: readonly Sample[], field: keyof Sample): number =>
    percentile(
      of.map((sample) => sample[field]),
      50,
    )
  const split = (field: keyof Sample): Split => {
    const [slowMs, quickMs] = [p50(slow, field), p50(quick, field)]
    const cloudMs = Math.max(0, slowMs - quickMs) / (1 / speeds[0] - 1 / speeds[1])
    return { p50Ms: quickMs, oursMs: Math.max(0, quickMs - cloudMs / speeds[1]), cloudSeconds: cloudMs / 1000 }
  }
  return { samples: samples * 2, capture: split('captureMs'), planP50Ms: p50([...slow, ...quick], 'planMs'), rollback: split('rollbackMs') }
}

async function once(client: UnderstudyClient, resourceId: string): Promise<Sample> {
  const timed = async <T>(work: Promise<T>): Promise<{ readonly ms: number; readonly value: T }> => {
    const from = performance.now()
    const value = await work
    return { ms: performance.now() - from, value }
  }
  const awaitEnd = async (id: string): Promise<void> => {
    const ended = await waitForOperation(client, id, { timeoutMs: patienceMs, pollMs: 50 })
    if (ended.status !== 'succeeded') throw new Error(`The operation ${ended.id} is ${ended.status}: ${JSON.stringify(ended.error)}`)
  }
  const captured = await timed(dataOf(client.POST('/v1/recovery-points', { body: { resourceId, reason: 'bench' } })).then(({ id }) => awaitEnd(id)))
  const { items } = await dataOf(client.GET('/v1/recovery-points', { params: { query: { resourceId } } }))
  const recoveryPointId = items.find(({ reason, status }) => reason === 'bench' && status === 'usable')?.id ?? ''
  const body = { recoveryPointId, reason: 'bench' }
  const planned = await timed(dataOf(client.POST('/v1/rollbacks', { params: { query: { validateOnly: 'true' } }, body })))
  const { planHash = '' } = planned.value as { readonly planHash?: string } // of the answer with 200
  const rolled = await timed(
    dataOf(client.POST('/v1/rollbacks', { body: { ...body, planHash } })).then((operation) => awaitEnd((operation as { readonly id: string }).id)), // of the answer with 202
  )
  return { captureMs: captured.ms, planMs: planned.ms, rollbackMs: rolled.ms }
}

type Control = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>

const controlOf =
  ({ simUrl }: RunningInstallation, cloud: Cloud): Control =>
  async (method, path, body) => {
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${simUrl}/_sim${cloud === 'aws' ? '' : `/${cloud}`}${path}`, {
      ...{ method, headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
    return answer.json()
  }

/** An hour of the cloud's: Azure makes three restore points in one, and Google disks of one snapshot once in ten minutes. */
async function letPass(control: Control): Promise<void> {
  await control('POST', '/clock', { speed: 2000 })
  await setTimeout(2000)
}

async function imported(installation: RunningInstallation, client: UnderstudyClient, cloud: Cloud): Promise<string> {
  const control = controlOf(installation, cloud)
  const account = await accountOf(installation, client, cloud, control)
  const name = `bench-${cloud}`
  const seeded = (await control('POST', '/seed', cloud === 'aws' ? { name, purchase: 'on-demand' } : { name })) as {
    readonly services: readonly Service[]
  } // as its route says
  const [service] = seeded.services
  if (service === undefined) throw new Error('nothing was seeded')
  const nativeId = service.nativeId ?? service.instanceId ?? ''
  const { listenerArn = '', primaryTargetGroupArn = '', standbyTargetGroupArn = '' } = service
  const weights = { mechanism: 'lb-weight' as const, native: { listenerArn, primaryTargetGroupArn, standbyTargetGroupArn, port: 8080 } }
  await setTimeout(3000)
  const operation = await dataOf(
    client.POST('/v1/resources:import', { body: { accountId: account, nativeId, name, traffic: service.traffic ?? weights } as never }), // as the seed says it
  )
  await waitForOperation(client, (operation as { readonly id: string }).id, { timeoutMs: patienceMs }) // of the answer with 202
  const { items } = await dataOf(client.GET('/v1/resources', { params: { query: { accountId: account } } }))
  return items[0]?.id ?? ''
}
interface Service {
  readonly instanceId?: string
  readonly nativeId?: string
  readonly traffic?: { readonly mechanism: string; readonly native: Readonly<Record<string, unknown>> }
  readonly listenerArn?: string
  readonly primaryTargetGroupArn?: string
  readonly standbyTargetGroupArn?: string
}

async function accountOf({ simUrl }: RunningInstallation, client: UnderstudyClient, cloud: Cloud, control: Control): Promise<string> {
  const body =
    cloud === 'aws'
      ? {
          ...{ name: 'aws', provider: 'aws', region: 'sim-east-1', settings: { endpoint: simUrl } },
          credentials: { accessKeyId: 'AKIASIMULATED0000001', secretAccessKey: 'simulated/secret/key/that/opens/no/real/door' },
        }
      : await control('GET', '/account')
  return (await dataOf(client.POST('/v1/accounts', { body: body as never }))).id // as the simulated cloud says it
}

// ---------- the view of compliance ----------

const pageSize = 100
const looks = 100

async function measureCompliance(databaseUrl: string, client: UnderstudyClient, points: number) {
  const database = new pg.Client({ connectionString: databaseUrl })
  await database.connect()
  let resources = 0
  try {
    resources = await multiplyPoints(database, points)
  } finally {
    await database.end()
  }
  const rule = { name: 'bench', maxPointAgeSeconds: 3600, proofMaxAgeSeconds: 86_400 }
  await dataOf(client.POST('/v1/rollback-policies', { body: rule }))
  const times = async (query: { readonly violation?: 'any' }): Promise<number[]> => {
    const found: number[] = []
    for (let look = 0; look < looks; look++) {
      const from = performance.now()
      await dataOf(client.GET('/v1/recovery/compliance', { params: { query: { ...query, pageSize } } }))
      found.push(performance.now() - from)
    }
    return found
  }
  const [all, violating] = [await times({}), await times({ violation: 'any' })]
  return { points, resources, page: pageSize, p50Ms: percentile(all, 50), p99Ms: percentile(all, 99), violationsP50Ms: percentile(violating, 50) }
}

// ---------- what a point stores ----------

const volumeBytes = 256 * 1024 ** 2

/** Of the data centre that all three fronts share, on disk: what the second point adds, once for changes in one run and once for scattered ones. */
async function measureStored(directory: string) {
  const measured: { readonly how: string; readonly changedBytes: number; readonly storedBytes: number }[] = []
  for (const [how, chunk] of [
    ['in one run', volumeBytes / 100],
    ['scattered, 64 KiB each', 65_536],
    ['scattered, 4 KiB each', 4096],
  ] as const) {
    const home = join(directory, `blocks-${chunk}`)
    const store = diskBlockStore(home)
    store.createEmpty('volume', volumeBytes)
    for (let offset = 0; offset < volumeBytes; offset += 1024 ** 2) store.write('volume', offset, Buffer.alloc(1024 ** 2, offset / 1024 ** 2 || 1))
    store.freeze('first', 'volume')
    const before = await bytesIn(home)
    const count = Math.floor(volumeBytes / 100 / chunk)
    const apart = Math.floor(volumeBytes / count)
    for (let index = 0; index < count; index++) store.write('volume', index * apart, Buffer.alloc(Math.floor(chunk), 7))
    store.freeze('second', 'volume')
    measured.push({ how, changedBytes: count * Math.floor(chunk), storedBytes: (await bytesIn(home)) - before })
  }
  return measured
}

/** What the disk really holds: the files have holes. */
async function bytesIn(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true })
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(directory, name))).blocks * 512))
  return sizes.reduce((sum, size) => sum + size, 0)
}
