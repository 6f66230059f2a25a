import { migrate } from '@understudy/persistence/migrate'
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { startProgram } from './child.ts'
import { startRegion } from './simulated-region.ts'
import type { Region } from './simulated-region.ts'

export interface BackendChoice {
  readonly kind: 'postgres' | 'redis'
  readonly redisUrl: string | undefined
}

/** Everything that a scenario runs on: a database of its own, a region, and (once started) the API and a worker as real processes. */
export interface Installation {
  readonly databaseUrl: string
  readonly masterKey: string
  readonly region: Region
  readonly backend: BackendChoice
  readonly home: string
  /** Begins and ends the profile of a worker; does nothing without `profile`. */
  toggleProfile(running: Running): void
  /** Starts API and worker: after the set-up, so that they do not work on it. */
  start(): Promise<Running>
  stop(): Promise<void>
}
export interface Running {
  readonly apiUrl: string
  readonly workerUrl: string
  /** Workers beside the first are called worker2 and so on. */
  readonly pids: Readonly<Record<string, number>> & { readonly api: number; readonly worker: number }
}

const masterKeyBytes = 32
const profiler = pathToFileURL(join(import.meta.dirname, 'profiler.ts')).href

/** `profile`: a CPU profile of the worker is written into the folder of the scenario. */
export async function createInstallation(options: {
  readonly serverUrl: string
  readonly name: string
  readonly directory: string
  readonly backend: BackendChoice
  readonly profile: boolean
  readonly workers: number
}): Promise<Installation> {
  const home = join(options.directory, options.name)
  await mkdir(home, { recursive: true })
  const databaseUrl = await createDatabase(options.serverUrl, options.name.replaceAll(/\W/g, '_'))
  const masterKey = `bench:${randomBytes(masterKeyBytes).toString('base64')}`
  const region = await startRegion(join(home, 'region.log'))
  const stops: (() => Promise<void>)[] = [() => region.stop()]
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    UNDERSTUDY_MASTER_KEY: masterKey,
    API_PORT: '0',
    WORKER_PORT: '0',
    ...(options.backend.redisUrl === undefined ? { REDIS_URL: '' } : { REDIS_URL: options.backend.redisUrl }),
  }
  const launch = async (name: string, more: NodeJS.ProcessEnv = {}) => {
    const program = await startProgram({ entry: `apps/${name}/src/main.ts`, env: { ...env, ...more }, logFile: join(home, `${name}.log`) })
    stops.unshift(() => program.stop())
    return program
  }
  return {
    ...{ databaseUrl, masterKey, region, backend: options.backend, home },
    toggleProfile: ({ pids }) => void (options.profile && process.kill(pids.worker, 'SIGUSR2')),
    async start() {
      const api = await launch('api')
      const worker = await launch('worker', options.profile ? { NODE_OPTIONS: `--import=${profiler}`, BENCH_PROFILE_DIR: home } : {})
      const pids: { [name: string]: number; api: number; worker: number } = { api: api.pid, worker: worker.pid }
      for (let number = 2; number <= options.workers; number++) pids[`worker${number}`] = (await launch('worker')).pid
      return { apiUrl: api.url, workerUrl: worker.url, pids }
    },
    async stop() {
      for (const stop of stops) await stop()
    },
  }
}

async function createDatabase(serverUrl: string, name: string): Promise<string> {
  const client = new pg.Client({ connectionString: serverUrl })
  await client.connect()
  await client.query(`create database ${name}`)
  await client.end()
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  await migrate(url.href)
  return url.href
}
