import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { loadConfig } from './config.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))

/** Runs the process until `until` is seen on one of its streams, or to its end. */
function run(env: Record<string, string>) {
  const child = spawn(process.execPath, [main], { env: { PATH: process.env['PATH'] ?? '', ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const seen = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (seen.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (seen.stderr += text))
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return { child, seen, exited }
}

describe('the process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('says where it listens, answers there, and ends cleanly on %s', async (signal) => {
    const { child, seen, exited } = run({ SIM_PORT: '0' })
    await once(child.stdout, 'data')
    const ready = JSON.parse(seen.stdout) as { event: string; url: string }
    expect(ready).toMatchObject({
      event: 'ready',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      region: 'sim-east-1',
      account: '123456789012',
    })
    expect((await fetch(`${ready.url}/_sim/state`)).status).toBe(200)
    child.kill(signal)
    expect(await exited).toBe(0)
    expect(seen.stderr).toBe('')
  })

  it('says in one line that its port is taken, and what to do', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    const { seen, exited } = run({ SIM_PORT: port })
    expect(await exited).toBe(1)
    expect(seen.stderr).toBe(`The simulated region cannot start: port ${port} is taken; set SIM_PORT to another, or to 0\n`)
    expect(seen.stdout).toBe('')
    other.close()
  })

  it('reports everything that is wrong with its environment at once', () => {
    expect(loadConfig({ SIM_PORT: 'x', SIM_SPEED: '-1', SIM_SCALE: 'maybe' })).toEqual({
      ok: false,
      problems: [expect.stringContaining('SIM_PORT'), expect.stringContaining('SIM_SCALE'), expect.stringContaining('SIM_SPEED')],
    })
    expect(loadConfig({ SIM_PORT: '', SIM_SCALE: '1', OTHER: 'x' })).toMatchObject({ ok: true, options: { port: 4566, listeners: false } })
  })
})
