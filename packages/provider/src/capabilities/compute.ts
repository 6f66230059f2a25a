import type { ResourceDna, PowerState } from '../dna.ts'
import type { CallContext, DiskRef, InstanceRef, OperationHandle, OperationStatus, PurchaseModel } from '../refs.ts'
import type { SnapshotSetRef } from './snapshots.ts'

/**
 * Making, moving through power states, and ending instances.
 * Every method may be repeated with the same context: the second call finds what the first one did.
 */
export interface Compute {
  /**
   * Starts an instance like `source`, different only in what `spec` says. Never copies the source's private address, public
   * address, host affinity or reserved tags.
   * Repeated with the same key: the same instance. Same key with another spec: `idempotency_mismatch`.
   * The handle succeeds when the instance is in the state that `spec.power` asks for.
   */
  provision(source: ResourceDna, spec: CloneSpec, context: CallContext): Promise<OperationHandle<InstanceRef>>
  /** Starts a stopped one, resumes a held one. A running one: succeeds at once. Capacity may be refused. */
  start(ref: InstanceRef, context: CallContext): Promise<OperationHandle<PowerResult>>
  /** Releases compute, keeps the disks. A stopped one: succeeds at once. */
  stop(ref: InstanceRef, how: { readonly force?: boolean }, context: CallContext): Promise<OperationHandle<PowerResult>>
  /**
   * Keeps the memory and releases compute. `result.state` says what really happened: EC2 falls back to a plain stop without
   * an error, then it is `stopped`, not `held`.
   */
  hold(ref: InstanceRef, context: CallContext): Promise<OperationHandle<PowerResult>>
  /** Changes the size. On clouds where `resize.requires` is `stopped`, a running instance is a `conflict`. */
  resize(ref: InstanceRef, to: { readonly instanceType: string }, context: CallContext): Promise<OperationHandle<PowerResult>>
  /** Ends the instance for good. Already gone: succeeds. Protected: `protected`. */
  terminate(ref: InstanceRef, context: CallContext): Promise<OperationHandle<PowerResult>>
  /** Where a handle stands. Never waits longer than one request to the cloud. */
  poll<Result>(handle: OperationHandle<Result>): Promise<OperationStatus<Result>>
  /** What a key has created, whether or not its handle was ever stored. Empty when nothing. */
  adopt(
    idempotencyKey: string,
  ): Promise<{ readonly instances: readonly InstanceRef[]; readonly disks: readonly DiskRef[]; readonly snapshotSets: readonly SnapshotSetRef[] }>
}

export interface PowerResult {
  readonly state: PowerState
}

export interface CloneSpec {
  readonly name: string
  /** State in which the clone shall come to rest. */
  readonly power: 'running' | 'stopped' | 'held'
  readonly instanceType: string
  readonly purchase: PurchaseModel
  /** Zone to launch in; the adapter finds the subnet of that zone beside the source's own. */
  readonly zone: string
  /** `image`: as the source was made. A set: root and data disks from those snapshots. */
  readonly disks: { readonly from: 'image' } | { readonly from: 'snapshots'; readonly set: SnapshotSetRef }
  /**
   * How it stands to the hosts of its source. Left out: a group of the source's may be kept in its zone, and nothing is certain.
   * `same-group`: in the source's `placement.hostGroup`, in its zone; without one `unsupported`, in another zone `invalid`.
   * `separate`: never on the hardware of the source; in its zone only where the group is `separable`, otherwise `unsupported`.
   * A group that is full is `insufficient_capacity`, and says nothing of the offering: without `avoid`.
   */
  readonly hosts?: 'same-group' | 'separate'
  /** Isolated clones (drills) get these security groups instead of the source's, and no identity. */
  readonly isolation?: { readonly securityGroups: readonly string[] }
}
