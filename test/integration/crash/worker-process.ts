import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { compileCache } from '@understudy/testing'
import { masterKeyText } from './crash-world.ts'

/** A worker as it runs in production: a process of its own, with nothing of this one but two URLs. */
export interface WorkerProcess {
  /** Resolves when it has said that it is ready; rejects with what it printed when it ended instead. */
  readonly ready: Promise<void>
  /** SIGKILL, and gone when it resolves. Harmless when it is gone already. */
  kill(): Promise<void>
  /** SIGTERM; resolves with its exit code. */
  stop(): Promise<number | null>
  /** The last lines it printed. */
  log(): string
}

const root = join(import.meta.dirname, '../../..')
const main = join(root, 'apps/worker/src/main.ts')
/** Ends it when this process is killed and cannot: it would look after the next test's machine for ever. */
const stopsWithParent = join(root, 'apps/cli/src/up/stop-with-parent.ts')
const linesKept = 200

export function startWorkerProcess(options: {
  readonly databaseUrl: string
  readonly redisUrl?: string | undefined
  readonly leaseSeconds?: number
}): WorkerProcess {
  const child = spawn(process.execPath, ['--import', stopsWithParent, main], {
    env: {
      DATABASE_URL: options.databaseUrl,
      ...(options.redisUrl === undefined ? {} : { REDIS_URL: options.redisUrl }),
      UNDERSTUDY_MASTER_KEY: masterKeyText,
      INSTALLATION: 'crash',
      WORKER_PORT: '0',
      WORKER_LEASE_SECONDS: String(options.leaseSeconds ?? 2),
      DATABASE_POOL_MAX: '8',
      LOG_LEVEL: 'debug',
      NODE_ENV: 'production',
      ...compileCache,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const lines: string[] = []
  let isReady = (): void => undefined
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const saidReady = new Promise<void>((resolve) => {
    isReady = resolve
  })
  for (const stream of [child.stdout!, child.stderr!]) {
    let rest = ''
    stream.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString()).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        lines.push(line)
        if (lines.length > linesKept) lines.shift()
        if (line.includes('"event":"ready"')) isReady()
      }
    })
  }
  const ended = exited.then((code) => Promise.reject(new Error(`the worker ended with ${code ?? 'a signal'}:\n${lines.slice(-20).join('\n')}`)))
  const ready = Promise.race([saidReady, ended])
  // Whoever does not wait for it must not be told of its end by an unhandled rejection.
  for (const promise of [ended, ready]) promise.catch(() => undefined)
  return {
    ready,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
    stop() {
      child.kill('SIGTERM')
      return exited
    },
    log: () => lines.join('\n'),
  }
}
