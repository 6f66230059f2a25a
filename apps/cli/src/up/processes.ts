import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

/** Root of the project: entries are given relative to it. */
export const projectRoot = join(import.meta.dirname, '..', '..', '..', '..')

export interface Service {
  readonly name: string
  /** Resolves with why it ended, whenever that is. */
  readonly exited: Promise<string>
  /** Resolves with the first line of standard output that is JSON with this event. */
  line(event: string): Promise<Record<string, unknown>>
  kill(signal: NodeJS.Signals): void
  /** Asks it to end and waits; after `graceMs` it is ended. */
  stop(graceMs?: number): Promise<void>
  readonly pid: number | undefined
}

/** Starts one of our programs on the Node that runs this one. What it prints goes to a log file. */
export function startService(options: {
  readonly name: string
  readonly entry: string
  readonly env: NodeJS.ProcessEnv
  readonly logFile: string
}): Service {
  const child = spawn(process.execPath, [join(projectRoot, options.entry)], {
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C in the terminal reaches only us, and we stop the services in order.
    detached: true,
  })
  const log = createWriteStream(options.logFile, { flags: 'a' })
  const tail: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log.write(chunk)
      tail.push(chunk.toString())
      if (tail.length > 20) tail.shift()
    })
  }
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`it could not be started: ${error.message}`))
    child.once('exit', (code, signal) => resolve(`it ended with ${signal ?? `exit code ${code ?? 0}`}: ${tail.join('').trim().slice(-600)}`))
  })
  return {
    name: options.name,
    exited,
    pid: child.pid,
    line: (event) => firstLine(child, event),
    kill: (signal) => void child.kill(signal),
    async stop(graceMs = 15_000) {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      await exited
      clearTimeout(timer)
      log.end()
    },
  }
}

function firstLine(child: ChildProcess, event: string): Promise<Record<string, unknown>> {
  return new Promise((resolve) => {
    let buffered = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      buffered += chunk.toString()
      const lines = buffered.split('\n')
      buffered = lines.pop() ?? ''
      for (const line of lines) {
        const parsed = parseJson(line)
        if (parsed?.['event'] === event) resolve(parsed)
      }
    })
  })
}

function parseJson(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined // a log line that was cut
  }
}

/** Says in one line that a port is taken, and what to set. */
export function requireFreePort(host: string, port: number, variable: string): Promise<void> {
  if (port === 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${error.code ?? error.message})`
      reject(new Error(`Port ${port} of ${host} ${why}. Stop that program, or set ${variable} to another port.`))
    })
    probe.listen(port, host, () => probe.close(() => resolve()))
  })
}
