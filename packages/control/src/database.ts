import type { SagaStore } from '@understudy/saga'
import type { AccessStore } from './access/access.store.ts'
import type { AccountStore } from './accounts/account.store.ts'
import type { AuditStore, EventStore, OutboxStore } from './journal/journal.store.ts'
import type { WebhookStore } from './notifications/webhook.store.ts'
import type { IdempotencyStore } from './operations/idempotency.store.ts'
import type { OperationStore } from './operations/operation.store.ts'
import type { ReconcilerStore } from './operations/reconciler.store.ts'
import type { AvoidStore } from './placement/placement.store.ts'
import type { ComplianceStore } from './recovery/policies/compliance.ts'
import type { RollbackPolicyStore } from './recovery/policies/policy.store.ts'
import type { RecoveryCopyStore } from './recovery/copies/recovery-copy.store.ts'
import type { DigestStore } from './recovery/digests/digest.store.ts'
import type { RecoveryScheduleStore } from './recovery/policies/recovery-schedule.store.ts'
import type { RecoveryPointStore } from './recovery/recovery-point.store.ts'
import type { RestoredDiskStore } from './recovery/restored-disks/restored-disk.store.ts'
import type { TransitionStore } from './recovery/transitions/transition.store.ts'
import type { ResourceStore } from './resources/resource.store.ts'
import type { BootDataStore } from './shadows/boot-data.store.ts'
import type { RestoreDrillStore } from './restore-drills/restore-drill.store.ts'
import type { ShadowStore } from './shadows/shadow.store.ts'
import type { SignalStore } from './signals/signal.store.ts'
import type { SigningKeyStore } from './signing/signing-key.store.ts'

/** One store per aggregate. A store never opens a transaction of its own. */
export interface Stores {
  readonly access: AccessStore
  readonly accounts: AccountStore
  readonly audit: AuditStore
  readonly avoid: AvoidStore
  readonly bootData: BootDataStore
  readonly compliance: ComplianceStore
  readonly events: EventStore
  readonly idempotency: IdempotencyStore
  readonly operations: OperationStore
  readonly outbox: OutboxStore
  readonly reconcilers: ReconcilerStore
  readonly recoveryCopies: RecoveryCopyStore
  readonly recoveryDigests: DigestStore
  readonly recoveryPoints: RecoveryPointStore
  readonly recoverySchedules: RecoveryScheduleStore
  readonly resources: ResourceStore
  readonly rollbackPolicies: RollbackPolicyStore
  readonly restoreDrills: RestoreDrillStore
  readonly restoredDisks: RestoredDiskStore
  readonly shadows: ShadowStore
  readonly signals: SignalStore
  readonly transitions: TransitionStore
  readonly signingKeys: SigningKeyStore
  readonly webhooks: WebhookStore
}

/** Postgres, the truth. */
export interface Database {
  /** Stores outside any transaction: for single statements and reads. */
  readonly stores: Stores
  /** The change, its audit row, its event and its outbox message commit together or not at all. Serialisation failures are retried a few times: `work` must not touch anything outside. */
  transaction<T>(work: (stores: Stores) => Promise<T>): Promise<T>
  /** The engine's log. Batches the writes of many operations that run at once into few transactions. */
  readonly sagas: SagaStore
  /** Answers when the server answers. */
  ping(): Promise<void>
  close(): Promise<void>
}
