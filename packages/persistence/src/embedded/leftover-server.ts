import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '@understudy/core'
import { AppError, sleep } from '@understudy/core'
import { isAlive, readNotes } from './cluster.ts'

/**
 * Deals with a `postmaster.pid` that an earlier start left: refuses when its owner still runs, stops the server when the owner
 * was killed without a chance to stop it, and removes the file when its process is gone or is another program that got the
 * number (usual after a reboot, and in containers).
 */
export async function clearLeftoverServer(data: string, clock: Clock): Promise<void> {
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return
  const pid = Number((await readFile(file, 'utf8')).split('\n')[0])
  if (!pid || !isServerOf(pid, data)) {
    await rm(file, { force: true })
    return
  }
  const { ownerPid } = await readNotes(data)
  if (ownerPid !== undefined && ownerPid !== process.pid && isAlive(ownerPid)) {
    throw new AppError('unavailable', `Another Understudy (process ${ownerPid}) already uses ${data}. Stop it first.`, {
      details: { reason: 'running' },
    })
  }
  await stopProcess(pid, clock)
}

/** Asks for a fast shutdown, then for an immediate one, then does not ask. Each stage has 10 s. */
export async function stopProcess(pid: number, clock: Clock, signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGKILL']): Promise<void> {
  for (const signal of signals) {
    try {
      process.kill(pid, signal)
    } catch {
      return // Gone already.
    }
    for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 20) {
      if (!isAlive(pid)) return
      await sleep(clock, 20)
    }
  }
}

function isServerOf(pid: number, data: string): boolean {
  if (!isAlive(pid)) return false
  try {
    // Slim images have no `ps`, only Linux has /proc; a server that is not recognised would have its data opened by a second one.
    const hasProc = existsSync('/proc/self/cmdline')
    const command = hasProc
      ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      : execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
    return command.includes('postgres') && command.includes(data)
  } catch {
    return false
  }
}
