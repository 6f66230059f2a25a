import type { ResourceDna } from '../dna.ts'
import type { CallContext } from '../refs.ts'

/**
 * A place in the network of an instance that nothing gets out of: for clones that must not speak to anybody. Absent where a cloud, or
 * its adapter, cannot make one.
 */
export interface Isolation {
  /**
   * Makes it in the network of `near`: nothing goes out, and only these TCP ports are let in, from private networks only. Answers
   * what `CloneSpec.isolation` takes. Repeated with the same key: the same one, with what it lacks.
   */
  ensure(
    near: ResourceDna,
    what: { readonly ports: readonly number[] },
    context: CallContext,
  ): Promise<{ readonly securityGroups: readonly string[] }>
  /** Removes what a key has made. Nothing there (any more): succeeds. `conflict` while an instance is in it. Answers how many were there. */
  remove(idempotencyKey: string, context: CallContext): Promise<{ readonly removed: number }>
}
