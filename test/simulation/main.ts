import { startEmbeddedPostgres } from '@understudy/persistence/embedded'
import { migrate } from '@understudy/persistence/migrate'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { clouds, cloudsNamed } from './clouds/index.ts'
import { rehearse } from './rehearse.ts'
import { simulate } from './simulate.ts'

const { values } = parseArgs({
  options: {
    /** One world, with a trace of what happens in it. */
    seed: { type: 'string' },
    /** How many worlds, from `--from` on. */
    seeds: { type: 'string', default: '100' },
    from: { type: 'string', default: '1' },
    /** Of one cloud only (aws, azure, gcp), or `all` in each world. Default: as the seed says. */
    cloud: { type: 'string' },
    /** So many test rollbacks in one world instead. */
    drills: { type: 'string' },
    parallel: { type: 'string', default: '2' },
  },
})

const named = cloudsNamed(values.cloud)
if (!named) {
  process.stderr.write(`There is no cloud ${values.cloud}. Take one of ${clouds.map(({ name }) => name).join(', ')}, or all.\n`)
  process.exit(2)
}

const cloudsFor = named

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const directory = await mkdtemp(join(tmpdir(), 'understudy-simulate-'))
const server = await startEmbeddedPostgres({ directory, durability: 'throwaway' })

/** A database of its own for every world. */
async function inDatabase<T>(name: string, run: (url: string) => Promise<T>): Promise<T> {
  const url = new URL(server.url)
  url.pathname = `/${name}`
  const client = new pg.Client({ connectionString: server.url })
  await client.connect()
  try {
    await client.query(`create database ${name}`)
    await migrate(url.href)
    return await run(url.href)
  } finally {
    await client.query(`drop database if exists ${name} with (force)`)
    await client.end()
  }
}

const failed: number[] = []
async function one(seed: number, trace?: (line: string) => void): Promise<void> {
  // Printed first: whatever happens next can be replayed.
  say(`seed ${seed}`)
  try {
    const report = await inDatabase(`sim_${seed}`, (databaseUrl) =>
      simulate({ seed, databaseUrl, clouds: cloudsFor(seed), ...(trace ? { trace } : {}) }),
    )
    say(
      `seed ${seed} holds (${report.clouds.join(', ')}): ${report.interruptions} interruptions, ${report.inTime} failovers in time, ${report.late} late, ${report.crashes} crashes, ${report.ticks} events in ${Math.round(report.virtualSeconds)} virtual seconds; ${Object.entries(
        report.operations,
      )
        .map(([kind, count]) => `${count} ${kind}`)
        .join(', ')}`,
    )
  } catch (error) {
    failed.push(seed)
    say(`seed ${seed} FAILED: ${error instanceof Error ? error.message : String(error)}`)
    say(`  replay: npm run simulate -- --seed ${seed}`)
  }
}

/** Test rollbacks with faults, and what they leave behind. */
async function rehearsals(drills: number): Promise<void> {
  const seed = Number(values.seed ?? '1')
  say(`seed ${seed}, ${drills} test rollbacks`)
  const found = await inDatabase(`drills_${seed}`, (databaseUrl) => rehearse({ seed, drills, databaseUrl }))
  say(JSON.stringify(found))
  if (found.left.length > 0 || found.uncleaned > 0) failed.push(seed)
}

try {
  if (values.drills !== undefined) await rehearsals(Number(values.drills))
  else if (values.seed === undefined) {
    const queue = Array.from({ length: Number(values.seeds) }, (_, index) => Number(values.from) + index)
    const lane = async (): Promise<void> => {
      for (let seed = queue.shift(); seed !== undefined; seed = queue.shift()) await one(seed)
    }
    await Promise.all(Array.from({ length: Number(values.parallel) }, lane))
  } else await one(Number(values.seed), say)
} finally {
  await server.stop()
  await rm(directory, { recursive: true, force: true })
}
say(failed.length === 0 ? 'all invariants held' : `${failed.length} failed: ${failed.join(', ')}`)
process.exit(failed.length === 0 ? 0 : 1)
