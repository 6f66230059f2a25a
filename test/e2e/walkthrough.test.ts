import { spawn } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startInstallation } from './helpers/installation.ts'
import type { RunningInstallation } from './helpers/installation.ts'
import { readme, sectionOf, shellBlocks } from './helpers/readme.ts'

const searchPath = process.env['PATH'] ?? ''
const canRun = ['curl', 'bash'].every((program) => searchPath.split(delimiter).some((directory) => isExecutable(join(directory, program))))

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const blocks = shellBlocks(sectionOf(readme, 'Walk-through with curl'))
/** It uses the functions of the first one. */
const backwards = [blocks[0] ?? '', ...shellBlocks(sectionOf(readme, 'Walk-through: keep, rehearse, go back'))]

interface Read {
  readonly exitCode: number | null
  readonly stderr: string
  /** What each block printed. */
  readonly printed: readonly string[]
}

/** Pastes the blocks into one shell, as a reader would, and takes down what each of them prints. */
function paste(installation: RunningInstallation, pasted: readonly string[]): Promise<Read> {
  const marker = '--- end of a block ---'
  const script = pasted.map((block) => `${block}\necho '${marker}'\n`).join('')
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', substituted(script, installation)], {
    cwd: installation.directory,
    env: { PATH: `${dirname(process.execPath)}${delimiter}${searchPath}` },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A block that waits for something that never comes ends here, and the test shows how far it got.
    timeout: 300_000,
  })
  let stdout = ''
  let stderr = ''
  shell.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  shell.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  return new Promise((resolve, reject) => {
    shell.once('error', reject)
    shell.once('close', (exitCode) => resolve({ exitCode, stderr, printed: stdout.split(`${marker}\n`).slice(0, -1) }))
  })
}

/** A reader's installation listens on the usual ports; nothing else in the text is changed. */
function substituted(script: string, { apiUrl, simUrl }: RunningInstallation): string {
  for (const line of ['API=http://127.0.0.1:7070\n', 'SIM=http://127.0.0.1:7071\n']) expect(script.split(line)).toHaveLength(2)
  return script.replace('API=http://127.0.0.1:7070\n', `API=${apiUrl}\n`).replace('SIM=http://127.0.0.1:7071\n', `SIM=${simUrl}\n`)
}

describe.skipIf(!canRun)(`the walk-through of the README${canRun ? '' : ', not run: there is no curl or no bash on the PATH'}`, () => {
  let installation: RunningInstallation
  let read: Read
  let back: Read
  beforeAll(async () => {
    // The region's clock runs fast, so that launching, draining and shutting down take seconds.
    installation = await startInstallation({ SIM_SPEED: '5' })
    read = await paste(installation, blocks)
    back = await paste(installation, backwards)
  }, 780_000)
  afterAll(() => installation.stop(), 180_000)

  /** The outputs in which a pattern occurs; the walk-through may be cut into blocks in any way. */
  const lines = (pattern: RegExp): readonly string[] =>
    read.printed
      .join('')
      .split('\n')
      .filter((line) => pattern.test(line))
  const answers = (): readonly { readonly instanceId: string; readonly zone: string }[] =>
    lines(/^\{"instanceId"/).map((line) => JSON.parse(line) as { instanceId: string; zone: string })

  it('runs to its end, word for word, without an error', () => {
    expect(read.stderr).toBe('')
    expect({ exitCode: read.exitCode, blocks: read.printed.length }).toEqual({ exitCode: 0, blocks: blocks.length })
    expect(blocks.length).toBeGreaterThan(5)
  })

  it('shows the account verified, the three instances imported, and the failover succeeded', () => {
    expect(lines(/^succeeded$/)).toHaveLength(5)
    expect(lines(/^arn:aws:iam::/)).toHaveLength(1)
    expect(lines(/^(unprotected|degraded)$/)).toEqual(['unprotected', 'degraded'])
  })

  it('shows the shadow with its proof, in another zone', () => {
    const shown = read.printed.find((text) => text.includes('proof: {')) ?? ''
    expect(shown).toContain("status: 'ready'")
    expect(shown).toMatch(/method: 'health'/)
    expect(shown).not.toContain(`zone: '${answers()[0]?.zone}'`)
  })

  it('follows the timeline while it happens', () => {
    const entries = lines(/^data: /).map((line) => (JSON.parse(line.slice('data: '.length)) as { entry: { type: string; step: string } }).entry)
    const done = entries.filter(({ type }) => type === 'step_succeeded').map(({ step }) => step)
    // Steps that depend on what the shadow needs are left to the saga.
    const essential = ['gate', 'standin', 'traffic', 'stable', 'retired', 'promoted', 'replenished']
    expect(done.filter((step) => essential.includes(step))).toEqual(essential)
    expect(entries.filter(({ type }) => type === 'step_failed')).toEqual([])
    expect(lines(/ {2}skipped {2}/).join()).toContain('Launch a replacement elsewhere')
  })

  it('ends with another instance behind the same door, which is the primary now', () => {
    const [before, after, ...more] = answers()
    expect(more).toEqual([])
    expect(after?.instanceId).not.toBe(before?.instanceId)
    expect(lines(/^i-/)).toEqual([after?.instanceId])
  })

  it('shows an unbroken audit trail, in which the traffic moved before anything was ended', () => {
    const actions = lines(/ {2}system:signals:push {2}/).map((line) => line.split('  ')[2])
    expect(actions.indexOf('traffic.setWeights')).toBeGreaterThanOrEqual(0)
    expect(actions.indexOf('traffic.setWeights')).toBeLessThan(actions.indexOf('compute.terminate'))
    expect(lines(/^\{"ok":true,"checked":\d+/)).toHaveLength(1)
  })

  it('goes on to announce, keep, rehearse and go back, word for word', () => {
    expect(back.stderr).toBe('')
    expect({ exitCode: back.exitCode, blocks: back.printed.length }).toEqual({ exitCode: 0, blocks: backwards.length })
    const [, seeded = '', announced, rehearsed, broken, planned = '', restored = ''] = back.printed
    expect(seeded).toBe('succeeded\norders: 42\n')
    expect(announced).toContain('postpone  yes\nmove-to-shadow  no\n')
    expect(rehearsed).toBe('succeeded\nboot  passed\ncloud  passed\n{ instances: 1, disks: 0, securityGroups: 1 }\n')
    expect(broken).toBe('orders: ??\n')
    expect(planned.split('\n').at(-2)).toMatch(/: point of no return$/)
    const [outcome, bytes, ...points] = restored.trim().split('\n')
    expect([outcome, bytes]).toEqual(['succeeded', 'orders: 42'])
    expect(points.map((line) => line.split('  ')[0])).toEqual(['usable', 'usable'])
  })

  it('shows what the README says that it shows', () => {
    const shown = back.printed.join('')
    const section = sectionOf(readme, 'Walk-through: keep, rehearse, go back').replaceAll(/^```sh\n[\s\S]*?^```$/gm, '')
    const promised = section
      .split('\n')
      .filter((line) => line.startsWith('    '))
      .map((line) => line.trim().replace(/rp_…$/, ''))
    expect(promised.length).toBeGreaterThan(20)
    expect(promised.filter((line) => !shown.includes(line))).toEqual([])
  })
})

describe('the configuration table of the README', () => {
  const variables = readFileSync(join(import.meta.dirname, '..', '..', '.env.example'), 'utf8').matchAll(/^#? ?([A-Z][A-Z_]+)=/gm)
  const section = sectionOf(readme, 'Configuration')

  it.each([...variables].map(([, name]) => name))('explains %s', (name) => {
    expect(section).toContain(`\`${name}\``)
  })
})
