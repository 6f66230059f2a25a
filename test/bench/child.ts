import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '..', '..')

/** A process that the bench has started. What it prints goes to a log file. */
interface Child {
  readonly pid: number
  /** Ends it at once: what it was doing is of no interest any more. */
  stop(): Promise<void>
}

/** One of the bench's own programs, which talks with the bench by messages. */
export interface Helper extends Child {
  send(message: object): void
  /** Every message from now on. */
  onMessage(listener: (message: unknown) => void): void
}

/** Starts a program of this folder; resolves with its first message, which says that it is ready. */
export async function startHelper(options: {
  readonly entry: string
  readonly args?: readonly string[]
  readonly logFile: string
}): Promise<{ readonly helper: Helper; readonly ready: unknown }> {
  const { process, child, exited } = start([join(import.meta.dirname, options.entry), ...(options.args ?? [])], undefined, options.logFile)
  const ready = await Promise.race([new Promise<unknown>((resolve) => process.once('message', resolve)), exited])
  const helper: Helper = {
    ...child,
    send: (message) => void process.send?.(message),
    onMessage: (listener) => void process.on('message', listener),
  }
  return { helper, ready }
}

/** Starts one of the installation's programs; resolves with the address in the line of its log that says that it is ready. */
export async function startProgram(options: {
  readonly entry: string
  readonly env: NodeJS.ProcessEnv
  readonly logFile: string
}): Promise<Child & { readonly url: string }> {
  const { process, child, exited } = start([join(root, options.entry)], options.env, options.logFile)
  const ready = new Promise<string>((resolve) => {
    createInterface({ input: process.stdout! }).on('line', (line) => {
      const parsed = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {}
      if (parsed['event'] === 'ready') resolve(String(parsed['url']))
    })
  })
  return { ...child, url: await Promise.race([ready, exited]) }
}

function start(args: readonly string[], env: NodeJS.ProcessEnv | undefined, logFile: string) {
  const process: ChildProcess = spawn(globalThis.process.execPath, args, {
    ...(env === undefined ? {} : { env }),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    // Ctrl-C reaches the bench alone, which then ends what it has started.
    detached: true,
  })
  const log = createWriteStream(logFile, { flags: 'a' })
  process.stdout?.pipe(log, { end: false })
  process.stderr?.pipe(log, { end: false })
  const gone = new Promise<void>((resolve) => process.once('exit', () => resolve()))
  const exited = gone.then((): never => {
    throw new Error(`${args[0]} has ended; see ${logFile}`)
  })
  exited.catch(() => undefined) // once it is ready, its end is expected
  const child: Child = {
    pid: process.pid ?? 0,
    async stop() {
      process.kill('SIGKILL')
      await gone
      log.end()
    },
  }
  return { process, child, exited }
}
