import { AppError } from '@understudy/core'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isRunning } from './processes.ts'

/** One installation at a time works in a home. */
export interface HomeLock {
  /** Remembers a process that must not outlive us, so that the next start can deal with it when we are killed. */
  remember(process: Remembered): void
  release(): void
}

interface Remembered {
  readonly pid: number
  /** Part of its command line. */
  readonly entry: string
}
interface Holder extends Remembered {
  readonly started: readonly Remembered[]
}

/** Of the command line of whoever holds a lock, from whichever folder it was started. */
const ownEntry = 'main.ts'
const patienceMs = 12_000

const lockFile = (home: string): string => join(home, 'running.json')

/**
 * Takes the home, or throws `conflict` when a living process has it. After one that was killed, its services are given the time
 * to notice that and to end; what does not is ended.
 */
export async function lockHome(home: string, say: (line: string) => void): Promise<HomeLock> {
  const file = lockFile(home)
  let holder: Holder = { pid: process.pid, entry: ownEntry, started: [] }
  while (!place(file, holder)) {
    const other = holderOf(file)
    if (other !== undefined && other.pid !== process.pid && isRunning(other.pid, other.entry)) {
      throw new AppError(
        'conflict',
        `Understudy is running from ${home} already (process ${other.pid}). Stop it first, with Ctrl-C in its terminal or \`kill ${other.pid}\`, ` +
          'or set UNDERSTUDY_HOME to another folder, and other ports, to run a second one.',
      )
    }
    await endLeftovers(other?.started ?? [], say)
    removeDead(file, other)
  }
  return {
    remember(started) {
      holder = { ...holder, started: [...holder.started, started] }
      writeWhole(file, holder)
    },
    release: () => rmSync(file, { force: true }),
  }
}

async function endLeftovers(leftovers: readonly Remembered[], say: (line: string) => void): Promise<void> {
  const running = (): readonly Remembered[] => leftovers.filter(({ pid, entry }) => isRunning(pid, entry))
  if (running().length === 0) return
  say('Waiting for what an earlier start has left running')
  for (const untilMs = performance.now() + patienceMs; performance.now() < untilMs && running().length > 0;) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  for (const { pid } of running()) process.kill(pid, 'SIGKILL')
}

/** The file appears complete or not at all, so that nobody reads a lock without a holder. */
function place(file: string, holder: Holder): boolean {
  const aside = writeAside(file, holder)
  try {
    linkSync(aside, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(aside, { force: true })
  }
}

const writeWhole = (file: string, holder: Holder): void => renameSync(writeAside(file, holder), file)

function writeAside(file: string, holder: Holder): string {
  const aside = `${file}.${process.pid}`
  writeFileSync(aside, JSON.stringify(holder), { mode: 0o600 })
  return aside
}

/** Taken away by renaming, which of several starts only one can; a lock that was made meanwhile goes back to its place. */
function removeDead(file: string, dead: Holder | undefined): void {
  const aside = `${file}.dead-${process.pid}`
  try {
    renameSync(file, aside)
    if (holderOf(aside)?.pid !== dead?.pid) linkSync(aside, file)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error // Somebody else was quicker.
  } finally {
    rmSync(aside, { force: true })
  }
}

function holderOf(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return undefined // Released between our attempt and this reading.
  }
}
