/** `npm run crash-recovery [-- --scenario "a rollback"]`: kills at every moment, where `npm test` takes a sample. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    /** A part of a scenario's title. Default: all. */
    scenario: { type: 'string', default: '' },
  },
})
const root = join(import.meta.dirname, '../../../..')
const flags = ['run', '--project', 'worlds', '--reporter=verbose', 'test/integration/crash/recovery/recovery-crash.test.ts']
const env = { ...process.env, CRASH_MATRIX: 'all', CRASH_MATRIX_SCENARIO: values.scenario }
const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...flags], { cwd: root, stdio: 'inherit', env })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code) => process.exit(code ?? 1))
