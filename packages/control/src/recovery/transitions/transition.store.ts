import type { Signal } from '../../signals/signal.ts'
import type { Transition, TransitionEnding, TransitionStatus } from './transition.ts'

export interface TransitionStore {
  insert(transition: Transition): Promise<void>
  find(projectId: string, id: string): Promise<Transition | undefined>
  findById(id: string): Promise<Transition | undefined>
  /** The next to start first, then by id. `after` is the id of the last one seen. */
  list(
    projectId: string,
    page: { readonly after: string | undefined; readonly limit: number; readonly resourceId?: string; readonly status?: TransitionStatus },
  ): Promise<readonly Transition[]>
  /** Those that are not over, damaged ones about which nothing has been done yet, and those whose loan is still out; the next to start first. */
  listOpen(limit: number): Promise<readonly Transition[]>
  /** The one that a cloud has announced for this instance with this effect: one that has not begun yet, or, where `begun` is said, also one that has. */
  findAnnounced(nativeId: string, resourceId: string, effect: string, options?: { readonly begun?: boolean }): Promise<Transition | undefined>
  /** How those of these transitions have ended of which everything that announced them has ended. By the transition's id. */
  endings(ids: readonly string[]): Promise<ReadonlyMap<string, TransitionEnding>>
  /** Announcements of maintenance about a primary that hold and that no transition knows of, oldest first. */
  unadopted(since: Date, limit: number): Promise<readonly Signal[]>
  /** Compare-and-swap on `version`; `precondition_failed` when it has changed. */
  update(transition: Transition, seenVersion: number): Promise<void>
}
