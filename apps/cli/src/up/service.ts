import { AppError } from '@understudy/core'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './programs.ts'
import type { Program } from './programs.ts'

export interface Service {
  readonly title: string
  readonly pid: number | undefined
  readonly logFile: string
  /** Resolves with how it ended, whenever that is: `with exit code 1: <what it said last>`. */
  readonly exited: Promise<string>
  /** The line of its log that says that it is ready. Throws `unavailable` when it ends first, or is not ready in time. */
  ready(): Promise<Readonly<Record<string, unknown>>>
  /** Asks it to end and waits; what has not ended after `graceMs` is ended. */
  stop(graceMs?: number): Promise<void>
}

/** A cold disk and a busy machine; usual is a second. */
const patienceMs = 60_000
const logBytesMax = 10_000_000

export interface ServiceOptions {
  readonly env: NodeJS.ProcessEnv
  readonly logDirectory: string
  /** The embedded PostgreSQL, which must not outlive the services when we are killed. */
  readonly databasePid: number | undefined
}

/** Starts one of our programs on the Node that runs this one. What it prints goes to a log file. */
export function startService(program: Program, options: ServiceOptions): Service {
  const logFile = join(options.logDirectory, `${program.name}.log`)
  startOverWhenLarge(logFile)
  const child = spawn(process.execPath, ['--import', new URL('./stop-with-parent.ts', import.meta.url).href, join(projectRoot, program.entry)], {
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // A group of its own: Ctrl-C in the terminal reaches only us, and we stop the services in order.
    detached: true,
  })
  const log = createWriteStream(logFile, { flags: 'a' })
  // A full disk costs the log, not the service.
  log.on('error', () => undefined)
  // The same when it ends while we tell it something.
  child.on('error', () => undefined)
  child.send({ databasePid: options.databasePid })
  const said = { words: '' }
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => log.write(chunk))
  child.stderr?.on('data', (chunk: Buffer) => (said.words = (said.words + chunk.toString()).slice(-4000)))
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`before it began: ${error.message}`))
    child.once('close', (code, signal) => resolve(`${signal ? `by ${signal}` : `with exit code ${code ?? 0}`}${lastWords(said.words)}`))
  })
  const ready = readyLine(child)
  return {
    title: program.title,
    pid: child.pid,
    logFile,
    exited,
    async ready() {
      const found = await withPatience(Promise.race([ready, exited]))
      if (typeof found === 'object') return found
      const why = found === undefined ? `is not ready after ${patienceMs / 1000} s` : `did not start; it ended ${found}`
      throw new AppError('unavailable', `The ${program.title} ${why}\nIts log is ${logFile}`)
    },
    async stop(graceMs = 15_000) {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
        await exited
        clearTimeout(timer)
      }
      log.end()
    },
  }
}

/** What it wrote to its error output: a sentence for people, or where a bug is. */
function lastWords(text: string): string {
  const lines = text.trim().split('\n').slice(-12)
  return lines.join('') === '' ? '.' : `: ${lines.join('\n')}`
}

function readyLine(child: ChildProcess): Promise<Readonly<Record<string, unknown>>> {
  return new Promise((resolve) => {
    let rest = ''
    const look = (chunk: Buffer): void => {
      const lines = (rest + chunk.toString()).split('\n')
      rest = lines.pop() ?? ''
      const found = lines.map(parseLine).find((line) => line?.['event'] === 'ready')
      if (found === undefined) return
      child.stdout?.off('data', look)
      resolve(found)
    }
    child.stdout?.on('data', look)
  })
}

function parseLine(line: string): Record<string, unknown> | undefined {
  try {
    return line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : undefined
  } catch {
    return undefined // Something that only looks like a line of the log.
  }
}

async function withPatience<T>(promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<undefined>((resolve) => (timer = setTimeout(() => resolve(undefined), patienceMs)))
  try {
    return await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}

function startOverWhenLarge(file: string): void {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > logBytesMax) truncateSync(file)
}
