import { readFileSync, readdirSync } from 'node:fs'

/** CPU seconds used so far, by the name of the process; empty where the kernel does not tell it by files. */
export type CpuSeconds = Readonly<Record<string, number>>

/** Linux counts in ticks of 10 ms. */
const ticksPerSecond = 100

/** `postgres`: the sum of the server's processes, by their parent. Sessions that have ended meanwhile are missing. */
export function cpuSeconds(processes: Readonly<Record<string, number>>, postmaster: number | undefined): CpuSeconds {
  const found: Record<string, number> = {}
  for (const [name, pid] of Object.entries(processes)) {
    const seconds = statOf(pid)?.seconds
    if (seconds !== undefined) found[name] = seconds
  }
  if (postmaster !== undefined && statOf(postmaster) !== undefined) {
    const sessions = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? [statOf(Number(name))] : []))
    found['postgres'] = sessions.reduce((sum, stat) => sum + (stat?.parent === postmaster ? stat.seconds : 0), 0)
  }
  return found
}

export const cpuBetween = (before: CpuSeconds, after: CpuSeconds): CpuSeconds =>
  Object.fromEntries(Object.entries(after).map(([name, seconds]) => [name, Math.round((seconds - (before[name] ?? 0)) * 100) / 100]))

function statOf(pid: number): { readonly parent: number; readonly seconds: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name of the program stands in brackets and may hold spaces; the fields after it are numbered from 3.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { parent: Number(fields[1]), seconds: (Number(fields[11]) + Number(fields[12])) / ticksPerSecond }
  } catch {
    return undefined // not Linux, or the process has ended
  }
}
