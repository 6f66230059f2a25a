import { startEmbeddedPostgres } from '@understudy/persistence/embedded'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureClouds, regionRow } from './cloud-row.ts'
import type { CloudResult } from './cloud-row.ts'
import type { IdleResult } from './idle.ts'
import { measureIdle } from './idle.ts'
import type { BackendChoice, Installation } from './installation.ts'
import { createInstallation } from './installation.ts'
import { wideLimits } from './limits.ts'
import { measureMass } from './mass.ts'
import type { MassResult } from './mass.ts'
import type { SeededMechanism } from './protocol.ts'
import { startRedis } from './redis.ts'
import { breakdownTable, cloudTable, idleTable, massTable } from './report.ts'

/*
 * `npm run bench -- failover`: how fast traffic moves, over the wire, beside the least that could be done. See docs/benchmarks.md.
 */

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    /** Fewer samples, and no ten thousand. */
    quick: { type: 'boolean', default: false },
    backend: { type: 'string', multiple: true },
    /** Only these parts: idle, clouds, mass, limits. */
    only: { type: 'string', multiple: true },
    samples: { type: 'string' },
    /** Samples of each cloud beside the region: one takes about half a minute. */
    'cloud-samples': { type: 'string' },
    /** Worker processes. */
    workers: { type: 'string', default: '1' },
    /** Sizes of the mass reclaim. */
    sizes: { type: 'string' },
    mechanism: { type: 'string', multiple: true },
    /** Without the floor beside the mass reclaims. */
    'no-floor': { type: 'boolean', default: false },
    /** Keeps logs and a CPU profile of each worker. */
    profile: { type: 'boolean', default: false },
  },
})
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const samples = Number(values.samples ?? (values.quick ? 20 : 200))
const sizes = (values.sizes ?? (values.quick ? '100,1000' : '100,1000,10000')).split(',').map(Number)
const mechanisms = (values.mechanism ?? ['lb-weight', 'lb-target']) as SeededMechanism[]
const cloudSamples = Number(values['cloud-samples'] ?? (values.quick ? 5 : 20))
const parts = values.only ?? ['idle', 'clouds', 'mass', 'limits']
const directory = await mkdtemp(join(tmpdir(), 'understudy-bench-'))
const startedAt = new Date()
say(`Failover bench on ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown CPU'}; logs in ${directory}`)
say(
  'Set-up writes rows directly; notices, queue, worker, API, database and calls to the simulated region are the real ones, in processes of their own.',
)
say(`Token buckets of the account are set wide (settings.limits) except where the row says EC2.\n`)

const redis = process.env['REDIS_URL'] === undefined ? await startRedis() : { url: process.env['REDIS_URL'], stop: () => Promise.resolve() }
const postgres = await startEmbeddedPostgres({ directory: join(directory, 'postgres'), connectionsMax: 200 })
let current: Installation | undefined
let failure: string | undefined
const results: { readonly backend: string; idle?: IdleResult; clouds?: readonly CloudResult[]; mass: MassResult[] }[] = []
const interrupted = new Promise<never>((_resolve, reject) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => reject(new Error(`Cut off by ${signal}.`)))
})
try {
  await Promise.race([measureAll(), interrupted])
} catch (error) {
  // What was measured until then is still worth its table.
  failure = error instanceof Error ? error.message : String(error)
  say(`\nNot finished: ${failure}`)
} finally {
  await current?.stop()
  await postgres.stop()
  await redis?.stop()
  if (!values.profile) await rm(directory, { recursive: true, force: true })
}
await writeResults()
process.exit(failure === undefined ? 0 : 1)

async function measureAll(): Promise<void> {
  for (const backend of backendsToMeasure()) {
    const result: (typeof results)[number] = { backend: backend.kind, mass: [] }
    results.push(result)
    await measure(backend, result)
  }
}

function backendsToMeasure(): readonly BackendChoice[] {
  const wanted = values.backend ?? ['postgres', 'redis']
  if (redis === undefined && wanted.includes('redis')) say('NOT MEASURED: the Redis backend. Install redis-server or set REDIS_URL.\n')
  return [
    ...(wanted.includes('postgres') ? [{ kind: 'postgres', redisUrl: undefined } as const] : []),
    ...(wanted.includes('redis') && redis !== undefined ? [{ kind: 'redis', redisUrl: redis.url } as const] : []),
  ]
}

async function measure(backend: BackendChoice, result: (typeof results)[number]): Promise<void> {
  if (parts.includes('idle')) {
    result.idle = await inInstallation(backend, 'idle', (installation) => measureIdle(installation, postgres.pid, samples))
    say(`${idleTable(backend.kind, result.idle)}\n\n${breakdownTable(result.idle)}\n`)
  }
  if (parts.includes('clouds')) {
    const aws = result.idle ?? (await inInstallation(backend, 'aws', (installation) => measureIdle(installation, postgres.pid, cloudSamples)))
    const others = await inInstallation(backend, 'clouds', (installation) => measureClouds(installation, cloudSamples, say))
    result.clouds = [regionRow(aws), ...others]
    say(`${cloudTable(backend.kind, result.clouds)}\n`)
  }
  const runs = [
    ...(parts.includes('limits') ? [{ mechanism: 'lb-weight', resources: 100, limits: undefined, withFloor: false } as const] : []),
    ...(parts.includes('mass')
      ? sizes.flatMap((resources) =>
          mechanisms.map((mechanism) => ({
            ...{ mechanism, resources, limits: wideLimits, withFloor: mechanism === 'lb-weight' && !values['no-floor'] },
          })),
        )
      : []),
  ]
  for (const run of runs) {
    const name = `${run.mechanism}_${run.resources}${run.limits === undefined ? '_limited' : ''}`
    const measured = await inInstallation(backend, name, (installation) => measureMass(installation, postgres.pid, run))
    result.mass.push(measured)
    say(`${massTable(backend.kind, [measured])}\n\n${breakdownTable(measured)}\n`)
  }
}

async function inInstallation<T>(backend: BackendChoice, name: string, use: (installation: Installation) => Promise<T>): Promise<T> {
  const options = {
    serverUrl: postgres.url,
    name: `${backend.kind}_${name.replaceAll('-', '_')}`,
    directory,
    backend,
    profile: values.profile,
    workers: Number(values.workers),
  }
  current = await createInstallation(options)
  const measured = await use(current)
  await current.stop()
  current = undefined
  return measured
}

async function writeResults(): Promise<void> {
  for (const { backend, idle, clouds, mass } of results) {
    if (idle) say(idleTable(backend, idle))
    if (clouds) say(cloudTable(backend, clouds))
    if (mass.length > 0) say(massTable(backend, mass))
  }
  const file = join('bench-results', `failover-${startedAt.toISOString().replaceAll(':', '-')}.json`)
  await mkdir('bench-results', { recursive: true })
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model, node: process.version }
  await writeFile(file, `${JSON.stringify({ bench: 'failover', startedAt, machine, options: values, failure, results }, undefined, 2)}\n`)
  say(`\nWritten to ${file}`)
}
