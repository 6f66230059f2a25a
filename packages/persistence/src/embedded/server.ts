import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { closeSync, openSync, statSync, truncateSync } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '@understudy/core'
import { AppError, isAppError, sleep, systemClock } from '@understudy/core'
import pg from 'pg'
import type { Binaries } from './binaries.ts'
import { findBinaries } from './binaries.ts'
import { embeddedUser, ensureCluster, readNotes, serverEnvironment, writeNotes } from './cluster.ts'
import { explainFailure } from './failures.ts'
import { clearLeftoverServer, stopProcess } from './leftover-server.ts'
import type { Privileges } from './privileges.ts'
import { findPrivileges } from './privileges.ts'

export interface EmbeddedPostgresOptions {
  /** Holds `data/` and `postgres.log`; made when missing. The next start with the same directory finds its data and its port. */
  readonly directory: string
  /** `throwaway` never waits for the disk: for tests, whose data nobody misses after a power cut. */
  readonly durability?: 'durable' | 'throwaway'
  /** Listen here or fail. Without it: the port of the last start, or a free one. */
  readonly port?: number
  readonly connectionsMax?: number
  /** Progress for the person who waits: the first start takes a second or two. */
  readonly onProgress?: (line: string) => void
  /** Called when the server ends without being asked to. */
  readonly onUnexpectedExit?: (reason: AppError) => void
  readonly clock?: Clock
}

/** A PostgreSQL server that lives as long as this process. */
export interface EmbeddedPostgres {
  /** Superuser, database `understudy`, on 127.0.0.1. */
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Ends open connections, writes everything, and returns when the server is gone. Harmless when it is gone already. */
  stop(): Promise<void>
  /** Stops and starts it on the same port. `crash` stops it without a checkpoint, as a power cut would. */
  restart(how?: 'clean' | 'crash'): Promise<void>
}

/**
 * Starts a real PostgreSQL on loopback and waits until it answers. Works as an ordinary user and as root.
 * Throws `unavailable`, with one line that says what to do, when it cannot.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const clock = options.clock ?? systemClock({ keepAlive: true })
  await makeDirectory(options.directory)
  const binaries = await findBinaries()
  const privileges = await findPrivileges([binaries.initdb, binaries.postgres], options.directory)
  options.onProgress?.(`Starting PostgreSQL ${binaries.major} in ${options.directory}`)
  const data = await ensureCluster(options.directory, binaries, privileges, options.durability !== 'throwaway')
  await clearLeftoverServer(data, clock)
  const launch: Launch = { options, clock, binaries, privileges, data, logFile: join(options.directory, 'postgres.log') }
  const notes = await readNotes(data)
  const running = await launchOnFreePort(launch, options.port ?? notes.port)
  await writeNotes(data, { ...notes, port: running.port, ownerPid: process.pid })
  await ensureDatabase(serverUrl(notes.password, running.port, 'postgres'))
  return handle(launch, running, serverUrl(notes.password, running.port, embeddedUser))
}

interface Launch {
  readonly options: EmbeddedPostgresOptions
  readonly clock: Clock
  readonly binaries: Binaries
  readonly privileges: Privileges
  readonly data: string
  readonly logFile: string
}
interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly port: number
}

function handle(launch: Launch, first: Running, url: string): EmbeddedPostgres {
  let running = first
  let isWanted = true
  const watch = (): void => {
    const watched = running
    watched.child.once('exit', () => {
      alive.delete(watched.pid)
      if (isWanted && watched === running) launch.options.onUnexpectedExit?.(explainFailure('', attemptOf(launch, watched.port)))
    })
    if (watched.child.exitCode === null && watched.child.signalCode === null) alive.add(watched.pid)
  }
  const stop = async (signals?: readonly NodeJS.Signals[]): Promise<void> => {
    isWanted = false
    await stopProcess(running.pid, launch.clock, signals)
  }
  watch()
  return {
    url,
    get port() {
      return running.port
    },
    get pid() {
      return running.pid
    },
    stop: () => stop(),
    async restart(how = 'clean') {
      await stop(how === 'crash' ? ['SIGQUIT', 'SIGKILL'] : undefined)
      running = await launchServer(launch, running.port)
      isWanted = true
      watch()
    },
  }
}

async function launchOnFreePort(launch: Launch, wanted: number | undefined): Promise<Running> {
  const isFixed = launch.options.port !== undefined
  let port = wanted ?? (await freePort())
  // Somebody may take a port between our looking and PostgreSQL's binding.
  for (let attempt = 1; ; attempt++) {
    try {
      return await launchServer(launch, port)
    } catch (error) {
      if (isFixed || attempt === 4 || !isAppError(error) || error.details['reason'] !== 'port_taken') throw error
      port = await freePort()
    }
  }
}

async function launchServer(launch: Launch, port: number): Promise<Running> {
  const { privileges, binaries, data, logFile, options } = launch
  const began = logSize(logFile)
  const command = privileges.command(binaries.postgres, ['-D', data, '-p', String(port), ...settingFlags(options)])
  const log = openSync(logFile, 'a', 0o600)
  // Detached, so that Ctrl-C reaches it only through us, after everything that uses it has ended.
  const child = spawn(command.file, command.args, { ...command.identity, env: serverEnvironment(), stdio: ['ignore', log, log], detached: true })
  closeSync(log)
  let failure: Error | undefined
  child.once('error', (error) => (failure = error))
  const hasExited = new Promise<false>((resolve) => child.once('exit', () => resolve(false)))
  const { password } = await readNotes(data)
  const url = serverUrl(password, port, 'postgres')
  for (let waitedMs = 0; waitedMs < 60_000; waitedMs += 25) {
    if (failure) throw explainFailure(failure.message, attemptOf(launch, port))
    if (child.exitCode !== null || child.signalCode !== null) throw explainFailure(await textFrom(logFile, began), attemptOf(launch, port))
    if (child.pid !== undefined && (await Promise.race([answers(url), hasExited]))) return { child, pid: child.pid, port }
    await sleep(launch.clock, 25)
  }
  child.kill('SIGQUIT')
  throw new AppError('unavailable', `The embedded PostgreSQL did not answer within 60 s. Its log is ${logFile}.`)
}

const attemptOf = (launch: Launch, port: number): { directory: string; logFile: string; port: number } => ({
  directory: launch.data,
  logFile: launch.logFile,
  port,
})

function settingFlags(options: EmbeddedPostgresOptions): string[] {
  const settings: Record<string, string | number> = {
    listen_addresses: '127.0.0.1',
    // No socket file: its path has a length limit that a deep checkout passes.
    unix_socket_directories: '',
    max_connections: options.connectionsMax ?? 100,
    shared_buffers: '64MB',
    jit: 'off',
    log_checkpoints: 'off',
    ...(options.durability === 'throwaway' && {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      wal_level: 'minimal',
      max_wal_senders: 0,
      shared_buffers: '48MB',
    }),
  }
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    throw explainFailure(error.code === 'ENOSPC' ? 'No space left on device' : error.message, { directory, logFile: '(none)' })
  })
}

export const serverUrl = (password: string, port: number, database: string): string =>
  `postgresql://${embeddedUser}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`

async function answers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 })
  // A server that ends while we ask emits an error outside of the promise.
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

async function ensureDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const found = await client.query('select 1 from pg_database where datname = $1', [embeddedUser])
    if (found.rowCount === 0) await client.query(`create database ${embeddedUser}`)
  } finally {
    await client.end()
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}

/** The log of earlier starts is kept until it is large. */
function logSize(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (size < 10_000_000) return size
  truncateSync(file)
  return 0
}

async function textFrom(file: string, position: number): Promise<string> {
  const handle = await open(file)
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(65_536), position })
    return buffer.toString('utf8', 0, bytesRead)
  } finally {
    await handle.close()
  }
}

/** Servers that must not outlive this process when it ends without stopping them. */
const alive = new Set<number>()
process.on('exit', () => {
  for (const pid of alive) {
    try {
      process.kill(pid, 'SIGINT')
    } catch {
      // It ended by itself meanwhile.
    }
  }
})
