import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { compileCache } from '@understudy/testing'

const projectRoot = join(import.meta.dirname, '..', '..', '..')

export interface Ended {
  readonly code: number | null
  readonly output: string
  readonly errors: string
}

/** A command of the project that runs, as a process of its own. */
export interface Command {
  readonly pid: number
  /** Its standard output so far. */
  said(): string
  /** Resolves with what the pattern finds in its output. Throws when it ends without having said that. */
  until(pattern: RegExp): Promise<RegExpExecArray>
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<Ended>
}

/** `understudy <args>` with the variables of a bare shell and those given. */
export function startCommand(args: readonly string[], env: Readonly<Record<string, string>>): Command {
  const child = spawn(process.execPath, [join(projectRoot, 'apps/cli/src/main.ts'), ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...compileCache, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let errors = ''
  const looks = new Set<() => void>()
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
    for (const look of looks) look()
  })
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const ended = new Promise<Ended>((resolve) => child.once('close', (code) => resolve({ code, output, errors })))
  return {
    pid: child.pid ?? 0,
    said: () => output,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(output)
          if (found === null) return
          looks.delete(look)
          resolve(found)
        }
        looks.add(look)
        look()
        void ended.then(({ code }) => reject(new Error(`It ended with ${code} before it said ${pattern.source}: ${output}${errors}`)))
      }),
    kill: (signal) => void child.kill(signal),
    ended,
  }
}
