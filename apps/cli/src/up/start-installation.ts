import { bootstrap } from '@understudy/control'
import { AppError, randomIds, systemClock } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { startEmbeddedPostgres } from '@understudy/persistence/embedded'
import { checkServer, migrate } from '@understudy/persistence/migrate'
import { join } from 'node:path'
import { withMasterKey } from '../config.ts'
import type { CliConfig } from '../config.ts'
import { checkMasterKey, checkRedis } from './checks.ts'
import { lockHome } from './home-lock.ts'
import type { HomeLock } from './home-lock.ts'
import { adminKeyFile, explain, logDirectory, masterKey, prepareHome, readAdminKey, writeAdminKey } from './home.ts'
import { requireFreePorts } from './ports.ts'
import { api, simulatedRegion, worker } from './programs.ts'
import type { Program } from './programs.ts'
import { startService } from './service.ts'

export interface Installation {
  readonly apiUrl: string
  readonly simUrl: string | undefined
  /** Addresses of the other simulated clouds. */
  readonly cloudUrls: Readonly<Partial<Record<OtherCloud, string>>>
  /** Undefined when the database has keys already and this home does not know any. */
  readonly adminKey: string | undefined
  readonly adminKeyFile: string
  readonly queue: 'redis' | 'postgres'
  /** Resolves when something has ended by itself, with its name and why. */
  readonly broken: Promise<string>
  stop(): Promise<void>
}

/** A simulated cloud that runs beside the AWS region, in the same process. */
export type OtherCloud = 'gcp' | 'azure'

export interface StartOptions {
  readonly say: (line: string) => void
  /** With the simulated region. */
  readonly sim: boolean
  /** Beside the simulated region. */
  readonly clouds: readonly OtherCloud[]
  readonly interrupted: Promise<string>
}

/** Thrown by a start that somebody has asked to end; everything that had started has been stopped. */
export class Interrupted extends Error {}

/** What is running so far, to be stopped in the reverse order. */
interface Started {
  readonly lock: HomeLock
  readonly stops: (() => Promise<void>)[]
  readonly endings: Promise<string>[]
  readonly isAsked: () => boolean
}

/** Starts everything on this machine: database, migrations, simulated region, API and worker. Throws one clear line when it cannot. */
export async function startInstallation(config: CliConfig, options: StartOptions): Promise<Installation> {
  const { say } = options
  let asked = false
  void options.interrupted.then(() => (asked = true))
  await prepareHome(config.home)
  const lock = await takeHome(config.home, say)
  const started: Started = { lock, stops: [], endings: [], isAsked: () => asked }
  const stop = async (): Promise<void> => {
    for (const stopOne of started.stops.splice(0).toReversed()) await stopOne()
    lock.release()
  }
  try {
    await requireFreePorts([
      { variable: 'API_PORT', host: config.API_HOST, port: config.API_PORT },
      { variable: 'WORKER_PORT', host: config.WORKER_HOST, port: config.WORKER_PORT },
      ...(options.sim ? [{ variable: 'SIM_PORT', host: '127.0.0.1', port: config.SIM_PORT }, ...portsOf(config, options.clouds)] : []),
    ])
    if (config.REDIS_URL !== undefined) {
      say(`Asking Redis at ${new URL(config.REDIS_URL).host}`)
      await checkRedis(config.REDIS_URL)
    }
    const database = await startDatabase(config, say, started)
    const keys = await prepareKeys(config, database.url)
    const running = await startServices(config, options, started, { DATABASE_URL: database.url, UNDERSTUDY_MASTER_KEY: keys.masterKey }, database.pid)
    return { ...running, ...keys, queue: config.REDIS_URL === undefined ? 'postgres' : 'redis', broken: Promise.race(started.endings), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const cloudPorts = { gcp: 'SIM_GCP_PORT', azure: 'SIM_AZURE_PORT' } as const
const portsOf = (config: CliConfig, clouds: readonly OtherCloud[]) =>
  clouds.map((cloud) => ({ variable: cloudPorts[cloud], host: '127.0.0.1', port: config[cloudPorts[cloud]] }))

async function takeHome(home: string, say: (line: string) => void): Promise<HomeLock> {
  try {
    return await lockHome(home, say)
  } catch (error) {
    throw error instanceof AppError ? error : explain(home, error)
  }
}

/** A step of the start ends here when somebody wants it to end. */
function goOn(started: Started): void {
  if (started.isAsked()) throw new Interrupted()
}

async function startDatabase(
  config: CliConfig,
  say: (line: string) => void,
  started: Started,
): Promise<{ readonly url: string; readonly pid?: number }> {
  const database = config.DATABASE_URL === undefined ? await startEmbedded(config, say, started) : await findGiven(config.DATABASE_URL, say)
  goOn(started)
  const { applied } = await migrate(database.url)
  say(applied.length === 0 ? 'The database is up to date' : `Applied ${applied.length} migration${applied.length === 1 ? '' : 's'} to the database`)
  goOn(started)
  return database
}

async function startEmbedded(
  config: CliConfig,
  say: (line: string) => void,
  started: Started,
): Promise<{ readonly url: string; readonly pid: number }> {
  const ended = Promise.withResolvers<string>()
  const server = await startEmbeddedPostgres({
    directory: join(config.home, 'postgres'),
    onProgress: say,
    onUnexpectedExit: () =>
      ended.resolve(`The embedded PostgreSQL has ended by itself.\nIts log is ${join(config.home, 'postgres', 'postgres.log')}`),
  })
  started.stops.push(() => server.stop())
  started.endings.push(ended.promise)
  return { url: server.url, pid: server.pid }
}

async function findGiven(url: string, say: (line: string) => void): Promise<{ readonly url: string }> {
  const facts = await checkServer(url)
  say(`Using PostgreSQL ${facts.version} at ${new URL(url).host}`)
  return { url }
}

interface Keys {
  readonly masterKey: string
  readonly adminKey: string | undefined
  readonly adminKeyFile: string
}

/** The master key is tried on what is stored before anything starts that would need it. The first start also makes the admin key. */
async function prepareKeys(config: CliConfig, databaseUrl: string): Promise<Keys> {
  const given = config.UNDERSTUDY_MASTER_KEY?.reveal()
  const key = given ?? (await masterKey(config.home))
  const file = adminKeyFile(config.home, config.DATABASE_URL)
  const clock = systemClock()
  const database = openDatabase({ url: databaseUrl, clock })
  try {
    await checkMasterKey(database, withMasterKey(config, key), given === undefined ? join(config.home, 'master-key') : 'UNDERSTUDY_MASTER_KEY')
    const made = await bootstrap(database, clock, randomIds)
    if (made) await writeAdminKey(config.home, file, made.secret)
    return { masterKey: key, adminKey: made?.secret ?? (await readAdminKey(config.home, file)), adminKeyFile: file }
  } finally {
    await database.close()
  }
}

async function startServices(
  config: CliConfig,
  options: StartOptions,
  started: Started,
  secrets: NodeJS.ProcessEnv,
  databasePid: number | undefined,
): Promise<Pick<Installation, 'apiUrl' | 'simUrl' | 'cloudUrls'>> {
  const env = { ...serviceEnvironment(config), SIM_CLOUDS: options.clouds.join(','), ...secrets }
  const cut = options.interrupted.then((): never => {
    throw new Interrupted()
  })
  cut.catch(() => undefined) // Nobody waits for it between two launches, and after the last one.
  const launch = async (program: Program): Promise<Readonly<Record<string, unknown>>> => {
    goOn(started)
    options.say(`Starting the ${program.title}`)
    const service = startService(program, { env, logDirectory: logDirectory(config.home), databasePid })
    started.stops.push(() => service.stop())
    if (service.pid !== undefined) started.lock.remember({ pid: service.pid, entry: program.entry })
    const ready = await Promise.race([service.ready(), cut])
    started.endings.push(service.exited.then((why) => `The ${program.title} has ended by itself, ${why}\nIts log is ${service.logFile}`))
    return ready
  }
  const simulation = options.sim ? await launch(simulatedRegion) : undefined
  const apiUrl = String((await launch(api))['url'])
  await launch(worker)
  const simUrl = simulation === undefined ? undefined : String(simulation['url'])
  return { apiUrl, simUrl, cloudUrls: (simulation?.['clouds'] ?? {}) as Installation['cloudUrls'] } // as our own program says it
}

/** What the services read, beside the secrets. */
function serviceEnvironment(config: CliConfig): NodeJS.ProcessEnv {
  return {
    ...config.env,
    API_HOST: config.API_HOST,
    API_PORT: String(config.API_PORT),
    PUBLIC_URL: config.PUBLIC_URL ?? `http://${config.API_HOST}:${config.API_PORT === 0 ? 7070 : config.API_PORT}`,
    WORKER_HOST: config.WORKER_HOST,
    WORKER_PORT: String(config.WORKER_PORT),
    SIM_PORT: String(config.SIM_PORT),
    SIM_GCP_PORT: String(config.SIM_GCP_PORT),
    SIM_AZURE_PORT: String(config.SIM_AZURE_PORT),
    SIM_STATE_DIR: join(config.home, 'sim'),
    // We read their logs for the line that says where they listen.
    LOG_FORMAT: 'json',
    LOG_LEVEL: config.LOG_LEVEL === 'debug' ? 'debug' : 'info',
  }
}
