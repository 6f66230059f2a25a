/**
 * `npm run crash-matrix [-- --cloud gcp] [--failover parked] [--parallel 2]`: kills at every moment, where `npm test` takes a sample.
 * `-- --interruptions` instead: queue, database and notices fail in the middle of failovers, on every cloud, where `npm test` has one.
 */
import { parseArgs } from 'node:util'
import { crashMatrixConfig } from './config.ts'
import { runMatrix } from './run-matrix.ts'

const { values } = parseArgs({
  options: {
    /** Of one cloud only: aws, azure, gcp. Default: all. */
    cloud: { type: 'string' },
    /** Of failovers whose title has these words only. */
    failover: { type: 'string', default: '' },
    /** How many failovers' matrices run beside each other. */
    parallel: { type: 'string', default: '4' },
    interruptions: { type: 'boolean', default: false },
  },
})
const wanted = {
  CRASH_MATRIX_FAILOVER: values.failover,
  CRASH_MATRIX_PARALLEL: values.parallel,
  ...(values.cloud === undefined ? {} : { CRASH_MATRIX_CLOUD: values.cloud }),
}
runMatrix(`test/integration/crash/${values.interruptions ? 'interruptions' : 'crash-matrix.test.ts'}`, wanted, crashMatrixConfig)
