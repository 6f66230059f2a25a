import type { Saga } from '@understudy/saga'
import { verifyAccountSaga } from '../accounts/verify-account.saga.ts'
import type { SagaDeps } from '../context.ts'
import { failoverSaga } from '../failover/failover.saga.ts'
import { retireHeldSaga } from '../failover/retire-held.saga.ts'
import { sweepLeftoversSaga } from '../leftovers/sweep-leftovers.saga.ts'
import { captureRecoveryPointSaga } from '../recovery/capture-recovery-point.saga.ts'
import { copyRecoveryPointSaga } from '../recovery/copies/copy-recovery-point.saga.ts'
import { compactDigestsSaga } from '../recovery/digests/compact-digests.saga.ts'
import { digestRecoveryPointSaga } from '../recovery/digests/digest-recovery-point.saga.ts'
import { purgeRecoveryPointSaga } from '../recovery/purge-recovery-point.saga.ts'
import { rollbackSaga } from '../recovery/rollback.saga.ts'
import { releaseDiskSaga } from '../recovery/restored-disks/release-disk.saga.ts'
import { restoreDiskSaga } from '../recovery/restored-disks/restore-disk.saga.ts'
import { restorePathsSaga } from '../recovery/restore-paths/restore-paths.saga.ts'
import { rollbackFieldsSaga } from '../recovery/rollback-fields.saga.ts'
import { sweepDrillSaga } from '../restore-drills/sweep-drill.saga.ts'
import { testRollbackSaga } from '../restore-drills/test-rollback.saga.ts'
import { verifyRecoveryPointSaga } from '../recovery/verify-recovery-point.saga.ts'
import { checkTransitionSaga } from '../recovery/transitions/check-transition.saga.ts'
import { postponeTransitionSaga } from '../recovery/transitions/postpone-transition.saga.ts'
import { importResourceSaga } from '../resources/import-resource.saga.ts'
import { refreshResourceSaga } from '../resources/refresh-resource.saga.ts'
import { armShadowSaga, disarmShadowSaga } from '../shadows/arm-shadow.saga.ts'
import { provisionShadowSaga } from '../shadows/provision-shadow.saga.ts'
import { proveShadowSaga } from '../shadows/prove-shadow.saga.ts'
import { retireShadowSaga } from '../shadows/retire-shadow.saga.ts'

/**
 * Every saga an operation can be a run of, old versions too while operations of theirs are unfinished. A saga's own files import
 * the files they need one by one, never a room's index: this list is behind it.
 */
export const sagaDefinitions: readonly Saga<SagaDeps, unknown>[] = [
  verifyAccountSaga,
  sweepLeftoversSaga,
  importResourceSaga,
  refreshResourceSaga,
  provisionShadowSaga,
  proveShadowSaga,
  retireShadowSaga,
  armShadowSaga,
  disarmShadowSaga,
  failoverSaga,
  retireHeldSaga,
  captureRecoveryPointSaga,
  copyRecoveryPointSaga,
  digestRecoveryPointSaga,
  compactDigestsSaga,
  verifyRecoveryPointSaga,
  purgeRecoveryPointSaga,
  rollbackSaga,
  rollbackFieldsSaga,
  restorePathsSaga,
  restoreDiskSaga,
  releaseDiskSaga,
  postponeTransitionSaga,
  checkTransitionSaga,
  testRollbackSaga,
  sweepDrillSaga,
]
