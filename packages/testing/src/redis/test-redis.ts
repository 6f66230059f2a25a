import { spawn, spawnSync } from 'node:child_process'
import { access, constants, mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { sleep, systemClock } from '@understudy/core'
import { inject } from 'vitest'
import { readTestEnvironment } from './config.ts'

export interface TestRedis {
  readonly url: string
  stop(): Promise<void>
}

/**
 * The Redis of this test run, or undefined when the machine has none: `describe.skipIf(testRedisUrl() === undefined)`.
 * It is shared by all test files: use a key prefix of your own, and do not flush it.
 */
export const testRedisUrl = (): string | undefined => inject('redisUrl') ?? undefined

/** `REDIS_URL` when it is set, else a `redis-server` of the PATH started for this run, else nothing. */
export async function findTestRedis(): Promise<TestRedis | undefined> {
  const { redisUrl } = readTestEnvironment()
  if (redisUrl !== undefined) return { url: redisUrl, stop: () => Promise.resolve() }
  return startTestRedis()
}

/**
 * A Redis of one's own, for tests that flush or stop it; undefined when `redis-server` is not installed. With a port it is where
 * another was, or where one will be missed first (`unusedPort`).
 */
export async function startTestRedis(options: { readonly port?: number } = {}): Promise<TestRedis | undefined> {
  const program = await findOnPath('redis-server')
  if (program === undefined) return undefined
  const directory = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
  const port = options.port ?? (await unusedPort())
  const settings = {
    port,
    bind: '127.0.0.1',
    save: '',
    appendonly: 'no',
    'maxmemory-policy': 'noeviction',
    dir: directory,
    pidfile: join(directory, 'pid'),
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const child = spawn(program, flags, { stdio: 'ignore' })
  const hasExited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await hasExited
    await rm(directory, { recursive: true, force: true })
  }
  const clock = systemClock({ keepAlive: true })
  for (let waitedMs = 0; waitedMs < 60_000 && child.exitCode === null; waitedMs += 20) {
    if (await answersPing(port)) return { url: `redis://127.0.0.1:${port}`, stop }
    await sleep(clock, 20)
  }
  await stop()
  throw new Error(`${program} did not answer on port ${port}`)
}

export const hasRedisServer = async (): Promise<boolean> => (await findOnPath('redis-server')) !== undefined

const prefix = 'understudy-redis-'

/** Removes what killed test runs left behind: their servers, which know their own directory, then the directories. */
export async function removeStaleTestRedis(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]
    if (owner === undefined || isAlive(Number(owner))) continue
    const directory = join(tmpdir(), name)
    const pid = Number(await readFile(join(directory, 'pid'), 'utf8').catch(() => ''))
    // The number may be another program's by now; only a Redis lists our directory among its arguments.
    if (pid > 0 && commandOf(pid).includes(directory)) process.kill(pid, 'SIGKILL')
    await rm(directory, { recursive: true, force: true }).catch(() => undefined) // Another user's: theirs to remove.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // It exists and belongs to somebody else.
  }
}

const commandOf = (pid: number): string => spawnSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? ''

async function findOnPath(program: string): Promise<string | undefined> {
  for (const directory of readTestEnvironment().path.split(delimiter).filter(Boolean)) {
    const file = join(directory, program)
    const isExecutable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (isExecutable) return file
  }
  return undefined
}

/** A port of the loopback interface on which nothing listens. */
export function unusedPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => (typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port'))))
    })
  })
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('PING\r\n'))
    const finish = (isUp: boolean): void => {
      socket.destroy()
      resolve(isUp)
    }
    socket.once('data', (data) => finish(data.toString().startsWith('+PONG')))
    socket.once('error', () => finish(false))
    socket.setTimeout(1000, () => finish(false))
  })
}
