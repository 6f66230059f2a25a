import type { RecoveryPoint } from '../recovery-point.ts'
import { isLocked } from '../recovery-point.ts'
import type { Retention } from './policy.ts'

type Point = Pick<RecoveryPoint, 'id' | 'capturedAt' | 'lockedUntil' | 'requestedBy' | 'status' | 'deleteTime'>

/**
 * Pure. The points of one resource that nothing wants any longer, oldest first. Never the newest, never a locked one,
 * and one that a person asked for only when the rule says so; whether one is in use is asked when it goes. A rule that names no limit keeps everything.
 */
export function expired<P extends Point>(points: readonly P[], retention: Retention, at: Date): readonly P[] {
  const { count, maxAgeSeconds, generations } = retention
  if (count === undefined && maxAgeSeconds === undefined && generations === undefined) return []
  const usable = points.filter((point) => point.status === 'usable' && point.deleteTime === undefined).toSorted((a, b) => takenAt(b) - takenAt(a))
  const subject = usable.filter((point) => retention.includeRequested === true || !isRequested(point))
  const wanted = new Set<P>([
    ...usable.slice(0, 1),
    ...subject.slice(0, count ?? 0),
    ...subject.filter((point) => maxAgeSeconds !== undefined && takenAt(point) > at.getTime() - maxAgeSeconds * 1000),
    ...(['daily', 'weekly', 'monthly', 'yearly'] as const).flatMap((generation) =>
      newestOf(subject, periodOf[generation], generations?.[generation] ?? 0),
    ),
  ])
  return subject.filter((point) => !wanted.has(point) && !isLocked(point, at.getTime())).toReversed()
}

/** Asked for by a key, not by the service on its own account. */
export const isRequested = ({ requestedBy }: Pick<RecoveryPoint, 'requestedBy'>): boolean => !requestedBy.startsWith('system:')

const takenAt = ({ capturedAt }: Point): number => capturedAt?.getTime() ?? 0

/** The newest point of each period, of as many periods as are wanted; periods without a point do not count. */
function newestOf<P extends Point>(newestFirst: readonly P[], period: (at: Date) => string, periods: number): readonly P[] {
  const first = new Map<string, P>()
  for (const point of newestFirst) {
    const name = period(new Date(takenAt(point)))
    if (!first.has(name)) first.set(name, point)
  }
  return [...first.values()].slice(0, periods)
}

const dayMs = 86_400_000
const periodOf = {
  daily: (at: Date) => at.toISOString().slice(0, 10),
  /** By its Thursday, which is what decides the year of an ISO week. */
  weekly: (at: Date) => new Date(at.getTime() + (4 - (at.getUTCDay() || 7)) * dayMs).toISOString().slice(0, 10),
  monthly: (at: Date) => at.toISOString().slice(0, 7),
  yearly: (at: Date) => at.toISOString().slice(0, 4),
} as const
