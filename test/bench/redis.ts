import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Redis } from 'ioredis'

export interface BenchRedis {
  readonly url: string
  readonly stop: () => Promise<void>
}

/** A `redis-server` of the PATH with the settings of a production queue, kept to the bench; undefined when there is none. */
export async function startRedis(): Promise<BenchRedis | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'understudy-bench-redis-'))
  const port = await freePort()
  const flags = { port, bind: '127.0.0.1', dir: directory, save: '', appendonly: 'yes', 'maxmemory-policy': 'noeviction' }
  const child = spawn(
    'redis-server',
    Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: 'ignore' },
  )
  const isMissing = await new Promise<boolean>((resolve) => {
    child.once('error', () => resolve(true))
    child.once('spawn', () => resolve(false))
  })
  const url = `redis://127.0.0.1:${port}`
  const stop = async (): Promise<void> => {
    if (!isMissing && child.exitCode === null) {
      const exited = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await exited
    }
    await rm(directory, { recursive: true, force: true })
  }
  if (isMissing) {
    await stop()
    return undefined
  }
  const client = new Redis(url, { retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => undefined) // refused until it listens
  await Promise.race([client.ping(), setTimeout(10_000)])
  client.disconnect()
  return { url, stop }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo // it listens on TCP
      probe.close(() => resolve(port))
    })
  })
}
