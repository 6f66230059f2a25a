import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmbeddedPostgres } from '@understudy/persistence/embedded'
import { startEmbeddedPostgres } from '@understudy/persistence/embedded'

/** A server of one's own, for tests that stop, restart or fill it; `stop` also deletes its data. */
export type TestPostgres = EmbeddedPostgres

const prefix = 'understudy-test-'

/** Starts PostgreSQL in a temporary directory, without waiting for the disk. Most tests want `createTestDatabase` instead. */
export async function startTestPostgres(options: { connectionsMax?: number } = {}): Promise<TestPostgres> {
  const directory = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
  await chmod(directory, 0o755) // The server runs as another user when root runs the tests.
  const server = await startEmbeddedPostgres({ directory, durability: 'throwaway', connectionsMax: options.connectionsMax ?? 50 })
  return {
    url: server.url,
    get port() {
      return server.port
    },
    get pid() {
      return server.pid
    },
    restart: (how) => server.restart(how),
    async stop() {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Removes what killed test runs left behind: their servers, then their directories. */
export async function removeStaleTestPostgres(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1]
    if (owner === undefined || isAlive(Number(owner))) continue
    const directory = join(tmpdir(), name)
    const lock = await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8').catch(() => '')
    // The second line is the data directory: it proves that the number still means that server.
    const [pid, data] = lock.split('\n')
    if (pid && data === join(directory, 'data')) signal(Number(pid), 'SIGQUIT')
    await rm(directory, { recursive: true, force: true }).catch(() => undefined) // Another user's: theirs to remove.
  }
}

function isAlive(pid: number): boolean {
  return signal(pid, 0)
}

function signal(pid: number, what: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, what)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // It exists and belongs to somebody else.
  }
}
