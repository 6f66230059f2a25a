import type { CallContext, DiskRef, InstanceRef, SnapshotRef } from '../refs.ts'

/** Names, tags and protection. All three are declarative: repeating them changes nothing. */
export interface Labelling {
  /** Adds or overwrites these tags; others stay. `undefined` as a value removes the tag. */
  tag(refs: readonly (InstanceRef | DiskRef | SnapshotRef)[], tags: Readonly<Record<string, string | undefined>>, context: CallContext): Promise<void>
  /** Gives the instance this display name, as far as the cloud has one. */
  rename(ref: InstanceRef, name: string, context: CallContext): Promise<void>
  setProtection(ref: InstanceRef, protection: { readonly terminate: boolean }, context: CallContext): Promise<void>
}
