/** `npm run crash-recovery [-- --cloud gcp] [--scenario "a rollback"] [--parallel 2]`: kills at every moment, where `npm test` takes a sample. */
import { parseArgs } from 'node:util'
import { runMatrix } from '../run-matrix.ts'
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
  CRASH_MATRIX_SCENARIO: values.scenario,
  CRASH_MATRIX_PARALLEL: values.parallel,
  ...(values.cloud === undefined ? {} : { CRASH_MATRIX_CLOUD: values.cloud }),
}
runMatrix('test/integration/crash/recovery/recovery-crash.test.ts', wanted, recoveryMatrixConfig)
