import { bootstrap } from '@understudy/control'
import { randomIds, systemClock } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { startEmbeddedPostgres } from '@understudy/persistence/embedded'
import { checkServer, migrate } from '@understudy/persistence/migrate'
import { join } from 'node:path'
import type { CliConfig } from '../config.ts'
import { adminKeyFile, masterKey, prepareHome, readAdminKey, writeAdminKey } from './home.ts'
import { requireFreePort, startService } from './processes.ts'
import type { Service } from './processes.ts'

export interface Installation {
  readonly apiUrl: string
  readonly simUrl: string | undefined
  readonly adminKey: string | undefined
  readonly adminKeyFile: string
  readonly databaseUrl: string
  readonly queue: 'redis' | 'postgres'
  /** Resolves when a service has ended by itself, with its name and why. */
  readonly broken: Promise<string>
  stop(): Promise<void>
}

/** Starts everything on this machine: database, migrations, simulated region, API and worker. Throws one clear line when it cannot. */
export async function startInstallation(
  config: CliConfig,
  options: { readonly say: (line: string) => void; readonly sim: boolean },
): Promise<Installation> {
  const { say } = options
  const stops: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.splice(0).toReversed()) await stopOne()
  }
  try {
    await requireFreePort(config.API_HOST, config.API_PORT, 'API_PORT')
    await requireFreePort('127.0.0.1', config.WORKER_PORT, 'WORKER_PORT')
    if (options.sim) await requireFreePort('127.0.0.1', config.SIM_PORT, 'SIM_PORT')
    await prepareHome(config.home)
    const databaseUrl = await prepareDatabase(config, say, stops)
    const adminKey = await prepareAdminKey(config, databaseUrl)
    const env: NodeJS.ProcessEnv = {
      ...config.env,
      DATABASE_URL: databaseUrl,
      UNDERSTUDY_MASTER_KEY: config.UNDERSTUDY_MASTER_KEY ?? (await masterKey(config.home)),
      API_HOST: config.API_HOST,
      API_PORT: String(config.API_PORT),
      PUBLIC_URL: config.env['PUBLIC_URL'] ?? `http://${config.API_HOST}:${config.API_PORT === 0 ? 7070 : config.API_PORT}`,
      WORKER_PORT: String(config.WORKER_PORT),
      SIM_PORT: String(config.SIM_PORT),
      SIM_STATE_DIR: join(config.home, 'sim'),
    }
    const services: Service[] = []
    const launch = async (name: string, entry: string): Promise<Record<string, unknown>> => {
      say(`Starting the ${name}`)
      const service = startService({ name, entry, env, logFile: join(config.home, 'logs', `${name}.log`) })
      services.push(service)
      stops.push(() => service.stop())
      return Promise.race([
        service.line('ready'),
        service.exited.then((why): never => {
          throw new Error(`The ${name} did not start: ${why}`)
        }),
      ])
    }
    const sim = options.sim ? await launch('simulated-region', 'packages/cloud-sim/src/main.ts') : undefined
    const api = await launch('api', 'apps/api/src/main.ts')
    await launch('worker', 'apps/worker/src/main.ts')
    return {
      apiUrl: String(api['url']),
      simUrl: sim && String(sim['url']),
      adminKey,
      adminKeyFile: adminKeyFile(config.home),
      databaseUrl,
      queue: config.REDIS_URL === undefined ? 'postgres' : 'redis',
      broken: Promise.race(services.map(async (service) => `The ${service.name} has ended: ${await service.exited}`)),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

async function prepareDatabase(config: CliConfig, say: (line: string) => void, stops: (() => Promise<void>)[]): Promise<string> {
  let url = config.DATABASE_URL
  if (url === undefined) {
    const server = await startEmbeddedPostgres({ directory: join(config.home, 'postgres'), onProgress: say })
    stops.push(() => server.stop())
    url = server.url
  } else {
    const facts = await checkServer(url)
    say(`Using PostgreSQL ${facts.version} of DATABASE_URL`)
  }
  const { applied } = await migrate(url)
  say(applied.length === 0 ? 'The database is up to date' : `Applied ${applied.length} migration${applied.length === 1 ? '' : 's'}`)
  return url
}

async function prepareAdminKey(config: CliConfig, databaseUrl: string): Promise<string | undefined> {
  const database = openDatabase({ url: databaseUrl, clock: systemClock() })
  try {
    const made = await bootstrap(database, systemClock(), randomIds)
    if (made) await writeAdminKey(config.home, made.secret)
    return made?.secret ?? (await readAdminKey(config.home))
  } finally {
    await database.close()
  }
}
