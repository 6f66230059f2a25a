import type { NeutralSignal } from '@understudy/provider'

/**
 * announced: it is known · prepared: it is near, and what can be done beforehand is done or on its way · started: its time has come ·
 * verified: it is over, and the resource is whole · damaged: it is over, and the resource is not · avoided: the primary has moved away ·
 * cancelled: whoever announced it has taken it back
 */
export const transitionStatuses = ['announced', 'prepared', 'started', 'verified', 'damaged', 'avoided', 'cancelled'] as const
export type TransitionStatus = (typeof transitionStatuses)[number]
export const openStatuses: readonly TransitionStatus[] = ['announced', 'prepared', 'started']

/** A change of a resource that somebody has announced: its cloud, or a caller. */
export interface Transition {
  readonly id: string
  readonly projectId: string
  readonly resourceId: string
  readonly accountId: string
  /** The instance that was the primary when it was announced. */
  readonly nativeId: string
  readonly source: 'cloud' | 'caller'
  readonly effect: NeutralSignal['effect']
  readonly reason: string
  readonly requestedBy: string
  readonly startsAt: Date
  readonly estimatedSeconds: number | undefined
  /** Until when it can be put off: what the cloud says, or the end of the caller's window. */
  readonly postponeUntil: Date | undefined
  readonly canExpedite: boolean
  /** What has told of it, where it was the cloud. */
  readonly signalIds: readonly string[]
  readonly status: TransitionStatus
  /** Kept because it is near, or because somebody has asked for it. */
  readonly pointId: string | undefined
  /** The resource had no tier: it was given one for this transition, which is taken back afterwards. */
  readonly lentTier: boolean
  readonly check: TransitionCheck | undefined
  readonly operationId: string | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly version: number
}

/** What the last word about a transition says whose announcements have all ended. */
export interface TransitionEnding {
  /** `completed` when any of the announcements ended so: something has happened. */
  readonly phase: 'completed' | 'cancelled'
  readonly signalId: string
  /** When it was observed. */
  readonly at: Date
}

export interface TransitionCheck {
  readonly at: string
  readonly findings: readonly TransitionFinding[]
  /** What to go back to, when anything was found and there is a point. */
  readonly recommendedPointId: string | null
  /** What followed by the policy. */
  readonly automatic?: { readonly operationId: string } | { readonly personCalled: string }
}
export interface TransitionFinding {
  readonly kind: 'instance_gone' | 'not_running' | 'disk_missing' | 'disk_changed' | 'not_healthy'
  readonly message: string
}
