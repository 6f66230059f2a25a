import type { PurchaseModel, TrafficBinding } from '@understudy/provider'
import type { Abilities } from '../cloud/abilities.ts'
import type { Resource } from '../resources/resource.ts'
import { placeIn } from '../resources/elsewhere.ts'
import { hostsText } from '../placement/hosts.ts'
import { dataLagOf, isRunningKind, proofAgeMs } from '../shadows/shadow.ts'
import type { DataLag, Shadow } from '../shadows/shadow.ts'

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
  /** What this cloud gives before it takes an interruptible instance, and whether the traffic is moved by then; null: no notice. */
  readonly notice: { readonly seconds: number; readonly bestEffort: boolean; readonly fits: boolean } | null
  /** How far the data of the stand-in is behind; null: a replacement is launched from what is saved then. */
  readonly dataLag: DataLag | null
  /** For so long clients may go on with the answer they had; null: they keep none, or nobody knows. */
  readonly clientsFollowSeconds: number | null
  readonly warnings: readonly string[]
}
export interface PlannedStep {
  readonly name: string
  readonly title: string
  readonly expectedSeconds: number
  /** From the notice until this step is done. */
  readonly elapsedSeconds: number
  /** Null: the cloud gives no notice. */
  readonly withinNotice: boolean | null
}
type Step = Pick<PlannedStep, 'name' | 'title' | 'expectedSeconds'>

const takeable = new Set(['ready', 'unproven', 'proving'])

/**
 * Shadows that may take over, best first: a fresh proof before a stale one (never a stale one while a fresher exists), one in the
 * primary's own account (`accountId`) before one elsewhere, one that runs before one that rests, full size before small, then the fresher proof. Shadows without an instance cannot take over.
 */
export function candidates(shadows: readonly Shadow[], proofMaxAgeMs: number, nowMs: number, accountId?: string): readonly Shadow[] {
  const rank = (shadow: Shadow): readonly number[] => [
    proofAgeMs(shadow, nowMs) <= proofMaxAgeMs ? 0 : 1,
    accountId === undefined || shadow.accountId === accountId ? 0 : 1,
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
  /** Of the primary's account, with the traffic of the entry point's. */
  readonly cloud: Abilities
  /** Of other accounts that have shadows. */
  readonly clouds?: ReadonlyMap<string, Abilities>
  readonly clientsFollowSeconds?: number | undefined
  readonly nowMs: number
  readonly deadlineMs: number | undefined
  readonly shadowId?: string | undefined
}

/** Makes the plan. Pure: the same rows give the same plan and so the same hash. */
export function planFor(question: PlanQuestion): FailoverPlan {
  const { resource, cloud, nowMs, deadlineMs } = question
  const proofMaxAgeMs = (resource.tier?.proofMaxAgeSeconds ?? 0) * 1000
  const wanted = question.shadowId === undefined ? question.shadows : question.shadows.filter((shadow) => shadow.id === question.shadowId)
  const shadow = candidates(wanted, proofMaxAgeMs, nowMs, resource.accountId)[0]
  const kind = shadow === undefined ? 'replacement' : isArmed(shadow, nowMs) || isRunningKind(shadow.readiness) ? 'running-shadow' : 'parked-shadow'
  const notice = cloud.traits.interruptionNotice
  const isElsewhere = shadow !== undefined && shadow.accountId !== resource.accountId
  const steps = stepsOf(kind, resource, shadow, { cloud, host: (isElsewhere ? question.clouds?.get(shadow.accountId) : undefined) ?? cloud })
  const dataLag = shadow === undefined ? null : dataLagOf(shadow)
  const expectedSeconds = untilRedirected(steps)
  const secondsAvailable = deadlineMs === undefined ? null : Math.floor((deadlineMs - nowMs) / 1000)
  return {
    resourceId: resource.id,
    primary: resource.nativeId,
    primaryEpoch: resource.primaryEpoch,
    kind,
    shadowId: shadow?.id ?? null,
    steps: againstNotice(steps, notice.supported ? notice.seconds : undefined),
    expectedSeconds,
    secondsAvailable,
    fits: secondsAvailable === null || expectedSeconds <= secondsAvailable,
    notice: notice.supported ? { seconds: notice.seconds, bestEffort: notice.bestEffort, fits: expectedSeconds <= notice.seconds } : null,
    dataLag,
    clientsFollowSeconds: question.clientsFollowSeconds ?? null,
    warnings: [
      ...warningsOf(kind, resource, shadow, nowMs),
      ...(isElsewhere ? elsewhereWarnings(resource, shadow, question.clientsFollowSeconds) : []),
      ...cloudWarnings(kind, resource, cloud, expectedSeconds),
    ],
  }
}

/** `host`: of the account that the stand-in is in. */
function stepsOf(
  kind: FailoverPlan['kind'],
  resource: Resource,
  shadow: Shadow | undefined,
  { cloud, host }: { readonly cloud: Abilities; readonly host: Abilities },
): readonly Step[] {
  const { expectedSeconds, resize } = cloud.traits
  const { launch, shift } = expectedSeconds
  const isElsewhere = shadow !== undefined && shadow.accountId !== resource.accountId
  const wakes = resource.tier?.holdMemory === true && !isElsewhere && host.traits.hold.supported
  const wake = wakes ? host.traits.expectedSeconds.resume : host.traits.expectedSeconds.start
  const moves = resource.traffic !== undefined && cloud.traffic !== undefined
  const inPlace = resize.supported && resize.requires === 'none'
  return [
    { name: 'gate', title: 'Check that the failover is still needed and allowed', expectedSeconds: 0 },
    ...(kind === 'replacement' ? replacing(cloud) : [{ name: 'standin', title: `Reserve shadow ${shadow?.id ?? ''}`, expectedSeconds: 0 }]),
    ...(kind === 'parked-shadow' ? [{ name: 'running', title: 'Start the parked shadow', expectedSeconds: wake }] : []),
    { name: 'traffic', title: trafficTitle(resource, cloud), expectedSeconds: moves ? shift : 0 },
    {
      name: 'capacity',
      title: isElsewhere
        ? 'It serves at the size that its owner has given it'
        : inPlace
          ? 'Resize it to that of the primary while it runs'
          : 'Bring it to the size of the primary, by a full-size sibling',
      expectedSeconds: shadow && !isElsewhere && shadow.instanceType !== resource.dna.size.type ? (inPlace ? shift : launch + shift) : 0,
    },
    { name: 'stable', title: 'Wait until it is stable', expectedSeconds: 5 },
    { name: 'retired', title: 'Retire the former primary', expectedSeconds: 5 },
    { name: 'promoted', title: 'Promote the stand-in', expectedSeconds: 1 },
    { name: 'replenished', title: 'Have a new shadow made', expectedSeconds: 0 },
  ]
}

const replacing = ({ snapshots, traits }: Abilities): readonly Step[] => [
  ...(snapshots ? [{ name: 'state', title: 'Save the state of the primary', expectedSeconds: 2 }] : []),
  { name: 'replacement', title: 'Launch a replacement in another zone', expectedSeconds: traits.expectedSeconds.launch },
]

/** How a mechanism moves traffic is what its users notice of it. */
function trafficTitle({ traffic }: Resource, cloud: Abilities): string {
  if (traffic === undefined) return 'No traffic binding: nothing to move'
  switch (cloud.traffic === undefined ? undefined : traffic.mechanism) {
    case 'lb-weight':
      return 'Move the traffic, by weights'
    case 'lb-target':
      return 'Move the traffic: the stand-in joins the group, then the primary leaves it'
    case 'address-move':
      return addressTitle(cloud)
    case 'dns-weight':
      return 'Change what the name answers: clients follow when they ask again'
    case undefined:
      return 'This cloud moves no traffic: nothing to do'
  }
}

function addressTitle({ traffic }: Abilities): string {
  const seconds = traffic?.['address-move']?.gapSeconds
  return `Move the address: connections are cut${seconds === undefined ? '' : `, and for about ${seconds} s nobody has it`}`
}

function againstNotice(steps: readonly Step[], noticeSeconds: number | undefined): readonly PlannedStep[] {
  let elapsedSeconds = 0
  return steps.map((step) => {
    elapsedSeconds += step.expectedSeconds
    return { ...step, elapsedSeconds, withinNotice: noticeSeconds === undefined ? null : elapsedSeconds <= noticeSeconds }
  })
}

function untilRedirected(steps: readonly Step[]): number {
  const index = steps.findIndex((step) => step.name === 'traffic')
  return steps.slice(0, index + 1).reduce((sum, step) => sum + step.expectedSeconds, 0)
}

/** What is different here than elsewhere. */
function cloudWarnings(kind: FailoverPlan['kind'], resource: Resource, cloud: Abilities, expectedSeconds: number): readonly string[] {
  const warnings: string[] = []
  const { interruptionNotice: notice } = cloud.traits
  if (!notice.supported) warnings.push(`${notice.reason} The failover begins when the instance is gone.`)
  else if (expectedSeconds > notice.seconds) {
    const remedy = kind === 'running-shadow' ? '' : ' A shadow that runs (hot or warm) needs no start.'
    warnings.push(`The traffic is moved ${expectedSeconds} s after the notice, and this cloud gives ${notice.seconds} s.${remedy}`)
  }
  if (kind === 'replacement' && !cloud.snapshots)
    warnings.push('This cloud keeps no disks for us: the replacement has what is on the image, not what was on the disks of the primary.')
  if (resource.traffic !== undefined && cloud.traffic === undefined)
    warnings.push('Traffic cannot be moved in this cloud: the stand-in is promoted, but nothing sends requests to it.')
  return warnings
}

/** What is promised of a stand-in in another account, and what is not. */
function elsewhereWarnings(resource: Resource, shadow: Shadow, followSeconds: number | undefined): readonly string[] {
  const { accountId } = resource
  const lag = dataLagOf(shadow)
  return [
    lag.kind === 'boot-image-only'
      ? `The shadow is in another account (${shadow.accountId}) and has what its image and its boot data bring: nothing is copied from the primary's disks.`
      : `The shadow is in another account (${shadow.accountId}) and has the disks as they were at ${lag.at.toISOString()}.`,
    ...(resource.traffic === undefined
      ? []
      : [
          followSeconds === undefined
            ? 'How long clients go on with the answer they have kept is not known.'
            : `Clients may go on with the answer they have kept for up to ${followSeconds} s, and reach the primary as long as it is there.`,
        ]),
    ...(placeIn(resource, shadow.accountId)?.readiness === 'warm' ? ['It is smaller than the primary, and stays so.'] : []),
    ...(placeIn(resource, accountId) === undefined
      ? [`Afterwards nothing says what a shadow in ${accountId} is made of: name that account in the tier as well to have one there again.`]
      : []),
  ]
}

function warningsOf(kind: FailoverPlan['kind'], resource: Resource, shadow: Shadow | undefined, nowMs: number): readonly string[] {
  const warnings: string[] = []
  if (kind === 'replacement') warnings.push('No shadow can take over: the state is saved and a replacement is launched.')
  if (!resource.traffic) warnings.push('The resource has no traffic binding: the stand-in is promoted, but nothing sends requests to it.')
  if (shadow && proofAgeMs(shadow, nowMs) > (resource.tier?.proofMaxAgeSeconds ?? 0) * 1000) {
    warnings.push('The readiness of the shadow has no fresh proof, and no fresher shadow exists.')
  }
  if (shadow?.hosts?.rule === 'same-group')
    warnings.push(`The stand-in is in ${shadow.zone}${hostsText(shadow.hosts)}: what befalls the group befalls both.`)
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
  readonly [key: string]: string | undefined
  readonly shadowId: string
  /** Left out: the primary's. */
  readonly accountId?: string
  readonly nativeId: string
  readonly zone: string
  readonly instanceType: string
  readonly purchase: PurchaseModel
}
export type BindingJson = { readonly mechanism: TrafficBinding['mechanism']; readonly native: TrafficBinding['native'] }
