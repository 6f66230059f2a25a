/**
 * Version of each saga that new operations begin with. Raise it when steps are added, removed or change their meaning; the old
 * definition stays registered until no unfinished operation uses it.
 */
export const sagaVersions = {
  'account.verify': 1,
  'account.sweep': 1,
  'resource.import': 1,
  'resource.refresh': 1,
  'shadow.provision': 1,
  'shadow.prove': 1,
  'shadow.retire': 1,
  'shadow.arm': 1,
  'shadow.disarm': 1,
  failover: 1,
  'failover.retire': 1,
  'recovery.capture': 1,
  'recovery.copy': 1,
  'recovery.digest': 1,
  'recovery.compact': 1,
  'recovery.verify': 1,
  'recovery.purge': 1,
  'recovery.rollback': 1,
  'recovery.rollback-fields': 1,
  'recovery.restore-paths': 1,
  'recovery.restore-disk': 1,
  'recovery.release-disk': 1,
  'transition.postpone': 1,
  'transition.check': 1,
  'recovery.test-rollback': 1,
  'recovery.sweep-drill': 1,
} as const
export type SagaName = keyof typeof sagaVersions
