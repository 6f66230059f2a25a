/** `npm run crash-matrix [-- --cloud gcp] [--failover parked] [--parallel 2]`: kills at every moment, where `npm test` takes a sample. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crashMatrixConfig } from './config.ts'

const { values } = parseArgs({
  options: {
    /** Of one cloud only: aws, azure, gcp. Default: all. */
    cloud: { type: 'string' },
    /** Of failovers whose title has these words only. */
    failover: { type: 'string', default: '' },
    /** How many failovers' matrices run beside each other. */
    parallel: { type: 'string', default: '4' },
  },
})
const wanted = {
  CRASH_MATRIX: 'all',
  CRASH_MATRIX_FAILOVER: values.failover,
  CRASH_MATRIX_PARALLEL: values.parallel,
  ...(values.cloud === undefined ? {} : { CRASH_MATRIX_CLOUD: values.cloud }),
}
try {
  crashMatrixConfig(wanted)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(2)
}
const root = join(import.meta.dirname, '../../..')
const flags = ['run', '--project', 'worlds', '--reporter=verbose', 'test/integration/crash/crash-matrix.test.ts']
const env = { ...process.env, ...wanted }
const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...flags], { cwd: root, stdio: 'inherit', env })
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
child.on('close', (code) => process.exit(code ?? 1))
