import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isRunning } from '../up/processes.ts'

const prefix = 'understudy-demo-'

/** A folder for one run. What runs that were killed have left is removed on the way. */
export async function makeThrowAwayHome(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const owner = Number(new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1])
    // Another user's is theirs to remove.
    if (owner && !isRunning(owner, 'main.ts')) await removeHome(join(tmpdir(), name)).catch(() => undefined)
  }
  return mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`))
}

export const removeHome = (home: string): Promise<void> => rm(home, { recursive: true, force: true, maxRetries: 5 })
