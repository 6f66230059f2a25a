import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compileCache } from '@understudy/testing'

const projectRoot = join(import.meta.dirname, '..', '..', '..')

export interface RunningInstallation {
  readonly apiUrl: string
  readonly simUrl: string
  readonly adminKey: string
  /** Where a reader of the README would stand: it has the installation's `.understudy` in it. */
  readonly directory: string
  /** What the log of a service says so far: `api`, `worker`, `simulated-region`. */
  log(service: string): Promise<string>
  /** Ctrl-C, then everything it has written is deleted. Answers the exit code. */
  stop(): Promise<number | null>
}

/**
 * What `npm start` does, as processes of their own on free ports: embedded PostgreSQL, simulated region, API and worker.
 * `env` is added to what a shell would have, for instance `SIM_SPEED`.
 */
export async function startInstallation(env: Readonly<Record<string, string>> = {}): Promise<RunningInstallation> {
  const directory = await mkdtemp(join(tmpdir(), 'understudy-e2e-'))
  const home = join(directory, '.understudy')
  const child = spawn(process.execPath, [join(projectRoot, 'apps/cli/src/main.ts'), 'up'], {
    cwd: directory,
    env: { PATH: process.env['PATH'] ?? '', ...compileCache, UNDERSTUDY_HOME: home, API_PORT: '0', SIM_PORT: '0', WORKER_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const stop = async (): Promise<number | null> => {
    child.kill('SIGINT')
    const code = await exited
    await rm(directory, { recursive: true, force: true })
    return code
  }
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString()
        if (said.includes('Stop with Ctrl-C')) resolve()
      })
    }
    void exited.then((code) => reject(new Error(`It ended with exit code ${code} before it was ready: ${said}`)))
  })
  const named = (pattern: RegExp): string => {
    const found = pattern.exec(said)?.[1]
    if (found === undefined) throw new Error(`The start did not say ${pattern.source}: ${said}`)
    return found
  }
  // Of a database that was given it has another name.
  const keyFile = (await readdir(home)).find((name) => name.startsWith('admin-key')) ?? ''
  return {
    apiUrl: named(/Understudy is running at (\S+)/),
    simUrl: named(/simulated region +(\S+)/),
    adminKey: (await readFile(join(home, keyFile), 'utf8')).trim(),
    directory,
    log: (service) => readFile(join(home, 'logs', `${service}.log`), 'utf8'),
    stop,
  }
}
