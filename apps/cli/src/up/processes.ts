import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * Whether `pid` is a living process whose command line has `marker` in it: numbers are given again, soon so in containers.
 * Where a command line cannot be read, a living process counts as the one that is meant.
 */
export function isRunning(pid: number, marker: string): boolean {
  return isAlive(pid) && (commandOf(pid)?.includes(marker) ?? true)
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // It exists and belongs to somebody else.
  }
}

/** Slim images have no `ps`, and only Linux has /proc. A process that has ended and waits to be collected has an empty one. */
function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
  } catch {
    try {
      return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    } catch {
      return undefined
    }
  }
}
