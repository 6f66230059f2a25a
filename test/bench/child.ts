import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'

/** A process of the bench itself that talks with it by messages. What it prints goes to a log file. */
export interface Child {
  readonly pid: number
  send(message: object): void
  /** Every message from now on. */
  onMessage(listener: (message: unknown) => void): void
  stop(): Promise<void>
}

export async function startChild(options: { readonly entry: string; readonly args?: readonly string[]; readonly logFile: string }): Promise<{
  readonly child: Child
  /** Its first message: it is ready. */
  readonly ready: unknown
}> {
  const process = fork(join(import.meta.dirname, options.entry), [...(options.args ?? [])], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const log = createWriteStream(options.logFile, { flags: 'a' })
  process.stdout?.pipe(log, { end: false })
  process.stderr?.pipe(log, { end: false })
  const exited = new Promise<void>((resolve) => process.once('exit', () => resolve()))
  const ready = await Promise.race([
    new Promise<unknown>((resolve) => process.once('message', resolve)),
    exited.then((): never => {
      throw new Error(`${options.entry} did not start; see ${options.logFile}`)
    }),
  ])
  return { child: childOf(process, exited), ready }
}

const childOf = (process: ChildProcess, exited: Promise<void>): Child => ({
  pid: process.pid ?? 0,
  send: (message) => void process.send(message),
  onMessage: (listener) => void process.on('message', listener),
  async stop() {
    if (process.exitCode === null && process.signalCode === null) process.kill('SIGKILL')
    await exited
  },
})
