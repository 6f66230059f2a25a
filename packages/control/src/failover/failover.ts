import type { PurchaseModel, TrafficBinding, Traits } from '@understudy/provider'
import type { Resource } from '../resources/resource.ts'
import { isRunningKind, proofAgeMs } from '../shadows/shadow.ts'
import type { Shadow } from '../shadows/shadow.ts'

/** How traffic gets off the primary, decided from the database alone. */
export interface FailoverPlan {
  readonly resourceId: string
  /** The primary this plan takes over from, and its epoch: a plan against a world that has moved is refused. */
  readonly primary: string
  readonly primaryEpoch: number
  readonly kind: 'running-shadow' | 'parked-shadow' | 'replacement'
  readonly shadowId: string | null
  readonly steps: readonly PlannedStep[]
  readonly expectedSeconds: number
  /** Until the cloud takes the primary; null: nobody is in a hurry. */
  readonly secondsAvailable: number | null
  readonly fits: boolean
  readonly warnings: readonly string[]
}
export interface PlannedStep {
  readonly name: string
  readonly title: string
  readonly expectedSeconds: number
}

const takeable = new Set(['ready', 'unproven', 'proving'])

/**
 * Shadows that may take over, best first: a fresh proof before a stale one (never a stale one while a fresher exists), one that
 * runs before one that rests, full size before small, then the fresher proof. Shadows without an instance cannot take over.
 */
export function candidates(shadows: readonly Shadow[], proofMaxAgeMs: number, nowMs: number): readonly Shadow[] {
  const rank = (shadow: Shadow): readonly number[] => [
    proofAgeMs(shadow, nowMs) <= proofMaxAgeMs ? 0 : 1,
    isArmed(shadow, nowMs) || isRunningKind(shadow.readiness) ? 0 : 1,
    shadow.readiness === 'hot' ? 0 : 1,
    proofAgeMs(shadow, nowMs),
  ]
  return shadows
    .filter((shadow) => takeable.has(shadow.status) && shadow.nativeId !== undefined)
    .map((shadow) => ({ shadow, rank: rank(shadow) }))
    .toSorted(
      (a, b) => a.rank.map((value, i) => compare(value, b.rank[i] ?? 0)).find((order) => order !== 0) ?? compareText(a.shadow.id, b.shadow.id),
    )
    .map(({ shadow }) => shadow)
}
const compare = (a: number, b: number): number => (a < b ? -1 : a > b ? 1 : 0)
const compareText = (a: string, b: string): number => (a < b ? -1 : 1)

export const isArmed = (shadow: Pick<Shadow, 'armedUntil'>, nowMs: number): boolean =>
  shadow.armedUntil !== undefined && shadow.armedUntil.getTime() > nowMs

export interface PlanQuestion {
  readonly resource: Resource
  readonly shadows: readonly Shadow[]
  readonly traits: Traits
  readonly nowMs: number
  readonly deadlineMs: number | undefined
  readonly shadowId?: string | undefined
}

/** Makes the plan. Pure: the same rows give the same plan and so the same hash. */
export function planFor(question: PlanQuestion): FailoverPlan {
  const { resource, traits, nowMs, deadlineMs } = question
  const proofMaxAgeMs = (resource.tier?.proofMaxAgeSeconds ?? 0) * 1000
  const wanted = question.shadowId === undefined ? question.shadows : question.shadows.filter((shadow) => shadow.id === question.shadowId)
  const shadow = candidates(wanted, proofMaxAgeMs, nowMs)[0]
  const kind = shadow === undefined ? 'replacement' : isArmed(shadow, nowMs) || isRunningKind(shadow.readiness) ? 'running-shadow' : 'parked-shadow'
  const steps = stepsOf(kind, resource, shadow, traits)
  const expectedSeconds = untilRedirected(steps)
  const secondsAvailable = deadlineMs === undefined ? null : Math.floor((deadlineMs - nowMs) / 1000)
  return {
    resourceId: resource.id,
    primary: resource.nativeId,
    primaryEpoch: resource.primaryEpoch,
    kind,
    shadowId: shadow?.id ?? null,
    steps,
    expectedSeconds,
    secondsAvailable,
    fits: secondsAvailable === null || expectedSeconds <= secondsAvailable,
    warnings: warningsOf(kind, resource, shadow, nowMs),
  }
}

function stepsOf(kind: FailoverPlan['kind'], resource: Resource, shadow: Shadow | undefined, traits: Traits): readonly PlannedStep[] {
  const { launch, start, resume, shift } = traits.expectedSeconds
  const wake = resource.tier?.holdMemory === true ? resume : start
  return [
    { name: 'gate', title: 'Check that the failover is still needed and allowed', expectedSeconds: 0 },
    ...(kind === 'replacement'
      ? [
          { name: 'state', title: 'Save the state of the primary', expectedSeconds: 2 },
          { name: 'replacement', title: 'Launch a replacement in another zone', expectedSeconds: launch },
        ]
      : [{ name: 'standin', title: `Reserve shadow ${shadow?.id ?? ''}`, expectedSeconds: 0 }]),
    ...(kind === 'parked-shadow' ? [{ name: 'running', title: 'Start the parked shadow', expectedSeconds: wake }] : []),
    {
      name: 'traffic',
      title: resource.traffic ? 'Move the traffic' : 'No traffic binding: nothing to move',
      expectedSeconds: resource.traffic ? shift : 0,
    },
    {
      name: 'capacity',
      title: 'Bring it to the size of the primary',
      expectedSeconds: shadow && shadow.instanceType !== resource.dna.size.type ? launch + shift : 0,
    },
    { name: 'stable', title: 'Wait until it is stable', expectedSeconds: 5 },
    { name: 'retired', title: 'Retire the former primary', expectedSeconds: 5 },
    { name: 'promoted', title: 'Promote the stand-in', expectedSeconds: 1 },
    { name: 'replenished', title: 'Have a new shadow made', expectedSeconds: 0 },
  ]
}

function untilRedirected(steps: readonly PlannedStep[]): number {
  const index = steps.findIndex((step) => step.name === 'traffic')
  return steps.slice(0, index + 1).reduce((sum, step) => sum + step.expectedSeconds, 0)
}

function warningsOf(kind: FailoverPlan['kind'], resource: Resource, shadow: Shadow | undefined, nowMs: number): readonly string[] {
  const warnings: string[] = []
  if (kind === 'replacement') warnings.push('No shadow can take over: the state is saved and a replacement is launched.')
  if (!resource.traffic) warnings.push('The resource has no traffic binding: the stand-in is promoted, but nothing sends requests to it.')
  if (shadow && proofAgeMs(shadow, nowMs) > (resource.tier?.proofMaxAgeSeconds ?? 0) * 1000) {
    warnings.push('The readiness of the shadow has no fresh proof, and no fresher shadow exists.')
  }
  return warnings
}

/** What the plan's hash covers: not the clock, so that it stays equal until the rows change. */
export const planIdentity = (plan: FailoverPlan): object => ({
  resourceId: plan.resourceId,
  primary: plan.primary,
  primaryEpoch: plan.primaryEpoch,
  kind: plan.kind,
  shadowId: plan.shadowId,
  steps: plan.steps.map((step) => step.name),
})

/** Where the stand-in comes from, as the saga passes it on. */
export interface StandIn {
  readonly [key: string]: string
  readonly shadowId: string
  readonly nativeId: string
  readonly zone: string
  readonly instanceType: string
  readonly purchase: PurchaseModel
}
export type BindingJson = { readonly mechanism: TrafficBinding['mechanism']; readonly native: TrafficBinding['native'] }
