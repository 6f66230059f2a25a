/** Free-form key and value pairs that a cloud calls tags or labels. */
export type Labels = Readonly<Record<string, string>>

/**
 * The tags we write on everything we create or take over in a cloud. `operation` holds the idempotency key of the call that
 * created the thing: it is what a restarted worker searches for, and what the orphan sweep asks about.
 */
export const ownTags = {
  /** `true` on everything we may change. */
  managed: 'understudy:managed',
  /** Idempotency key of the creating call. */
  operation: 'understudy:op',
  /** `primary`, `shadow`, `former`, `drill`, `replacement`, `restored`. */
  role: 'understudy:role',
  /** Our id of the resource it belongs to. */
  resource: 'understudy:resource',
  /** Our id of the shadow, on shadows. */
  shadow: 'understudy:shadow',
  /** Our id of the test rollback it was made for, on what such a one makes. */
  drill: 'understudy:drill',
  /** Our id of the recovery point, on copies of its snapshots in other regions. */
  recoveryPoint: 'understudy:recovery-point',
  /** Our id of the restored disk, on one that was plugged in beside the others. */
  restoredDisk: 'understudy:restored-disk',
  /** RFC 3339: from then on a sweep removes it. On what a test rollback makes, and on restored disks. */
  expires: 'understudy:expires',
  /** Which installation of Understudy owns it: two installations in one account leave each other alone. */
  installation: 'understudy:installation',
} as const
