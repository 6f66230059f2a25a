import type { Signal } from '../../signals/signal.ts'
import type { Transition, TransitionStatus } from './transition.ts'

export interface TransitionStore {
  insert(transition: Transition): Promise<void>
  find(projectId: string, id: string): Promise<Transition | undefined>
  findById(id: string): Promise<Transition | undefined>
  /** The next to start first, then by id. `after` is the id of the last one seen. */
  list(
    projectId: string,
    page: { readonly after: string | undefined; readonly limit: number; readonly resourceId?: string; readonly status?: TransitionStatus },
  ): Promise<readonly Transition[]>
  /** Those that are not over, and damaged ones about which nothing has been done yet; the next to start first. */
  listOpen(limit: number): Promise<readonly Transition[]>
  /** The one that a cloud has announced for this instance with this effect and that has not begun yet. */
  findAnnounced(nativeId: string, resourceId: string, effect: string): Promise<Transition | undefined>
  /** Announcements of maintenance about a primary that no transition knows of, oldest first. */
  unadopted(since: Date, limit: number): Promise<readonly Signal[]>
  /** Compare-and-swap on `version`; `precondition_failed` when it has changed. */
  update(transition: Transition, seenVersion: number): Promise<void>
}
