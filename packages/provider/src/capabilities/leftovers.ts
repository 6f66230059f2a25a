import type { CallContext, InstanceRef } from '../refs.ts'

/** Something that was made for what is over, that holds nothing of anybody's, and that a cloud bills, or counts against a limit. */
export interface Leftover {
  /** `address`: a public address that no instance has. `command`: what is kept of a script that has ended. */
  readonly kind: 'address' | 'command'
  readonly nativeId: string
  readonly tags: Readonly<Record<string, string>>
}

/** What is neither an instance, a disk nor a snapshot, and stays when a process dies. Absent where a cloud leaves nothing of the kind. */
export interface Leftovers {
  /**
   * Those whose tags contain all of `tags`. Of addresses only those whose instance is gone; of commands only those of `instances`, each of which a cloud
   * may have to be asked about by itself. An instance that is gone has none.
   */
  list(filter: { readonly tags: Readonly<Record<string, string>>; readonly instances: readonly InstanceRef[] }): Promise<readonly Leftover[]>
  /** Already gone: succeeds. In use again: `conflict`. */
  remove(leftover: Pick<Leftover, 'kind' | 'nativeId'>, context: CallContext): Promise<void>
}
