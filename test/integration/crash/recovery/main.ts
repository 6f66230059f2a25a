/** `npm run crash-recovery [-- --cloud gcp] [--scenario "a rollback"] [--parallel 2]`: kills at every moment, where `npm test` takes a sample. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { recoveryMatrixConfig } from './config.ts'

const { values } = parseArgs({
  options: {
    /** Of one cloud only: aws, azure, gcp. Default: all. */
    cloud: { type: 'string' },
    /** A part of a scenario's title. Default: all. */
    scenario: { type: 'string', default: '' },
    /** How many worlds there are beside each other. */
    parallel: { type: 'string', default: '4' },
  },
})
const wanted = {
  CRASH_MATRIX: 'all',
  CRASH_MATRIX_SCENARIO: values.scenario,
  CRASH_MATRIX_PARALLEL: values.parallel,
  ...(values.cloud === undefined ? {} : { CRASH_MATRIX_CLOUD: values.cloud }),
}
try {
  recoveryMatrixConfig(wanted)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(2)
}
const root = join(import.meta.dirname, '../../../..')
const flags = ['run', '--project', 'worlds', '--reporter=verbose', 'test/integration/crash/recovery/recovery-crash.test.ts']
const env = { ...process.env, ...wanted }
const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...flags], { cwd: root, stdio: 'inherit', env })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code) => process.exit(code ?? 1))
