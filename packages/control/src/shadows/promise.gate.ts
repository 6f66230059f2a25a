import type { PowerState } from '@understudy/provider'
import { standsBy } from '../placement/hosts.ts'
import { elsewhereOf, fingerprintOfPlace } from '../resources/elsewhere.ts'
import type { Elsewhere } from '../resources/elsewhere.ts'
import { isHeld } from '../resources/resource.ts'
import type { Resource, ResourceStatus, Tier } from '../resources/resource.ts'
import { isRunningKind, proofAgeMs } from './shadow.ts'
import type { Shadow } from './shadow.ts'

/** What is missing between the promise and the world, for one resource. Pure. */
export interface PromiseGap {
  /** Shadows to plan in the primary's own account. */
  readonly missing: number
  /** Other accounts in which one is to be planned. */
  readonly missingIn: readonly Elsewhere[]
  readonly fail: readonly { readonly shadow: Shadow; readonly reason: string }[]
  readonly retire: readonly { readonly shadow: Shadow; readonly reason: string }[]
  readonly prove: readonly Shadow[]
  readonly disarm: readonly Shadow[]
  readonly status: ResourceStatus
}

/** A proof is renewed well before it stops counting, so that a drill that fails leaves time for another. */
const renewAtShare = 0.7

const nothing = (status: ResourceStatus): PromiseGap => ({ missing: 0, missingIn: [], fail: [], retire: [], prove: [], disarm: [], status })

export interface PromiseQuestion {
  readonly resource: Resource
  readonly shadows: readonly Shadow[]
  /** Power state by native id; an id that is missing does not exist any more. */
  readonly states: ReadonlyMap<string, PowerState>
  readonly busyShadowIds: ReadonlySet<string>
  readonly nowMs: number
}

/** The promise in one account: how many, and whether a shadow is what its owner pays for there now. */
interface Part {
  readonly count: number
  fits(shadow: Shadow): boolean
}

export function promiseGap(question: PromiseQuestion): PromiseGap {
  const { resource, busyShadowIds, nowMs } = question
  // One that is on its way out is no stand-in any more, and needs nothing from us.
  const shadows = question.shadows.filter((shadow) => shadow.status !== 'retiring')
  if (resource.status === 'failing-over' || isHeld(resource, nowMs)) return nothing(resource.status)
  const { tier } = resource
  if (tier === undefined) {
    const idle = shadows.filter((shadow) => !busyShadowIds.has(shadow.id) && shadow.status !== 'reserved')
    return {
      ...nothing('unprotected'),
      retire: idle.filter(isRetirable).map((shadow) => ({ shadow, reason: 'the resource is no longer protected' })),
    }
  }
  const places = elsewhereOf(resource)
  const isElsewhere = (shadow: Shadow): boolean => places.some(({ accountId }) => accountId === shadow.accountId)
  const home = partGap(question, tier, {
    shadows: shadows.filter((shadow) => !isElsewhere(shadow)),
    part: { count: tier.shadows, fits: (shadow) => shadow.accountId === resource.accountId && fitsTier(shadow, tier, resource) },
  })
  const parts = places.map((place) => ({
    place,
    gap: partGap(question, tier, {
      shadows: shadows.filter(({ accountId }) => accountId === place.accountId),
      part: { count: 1, fits: (shadow) => fitsPlace(shadow, place) },
    }),
  }))
  const gaps = [home, ...parts.map(({ gap }) => gap)]
  return {
    missing: home.missing,
    missingIn: parts.filter(({ gap }) => gap.missing > 0).map(({ place }) => place),
    fail: gaps.flatMap(({ fail }) => fail),
    retire: gaps.flatMap(({ retire }) => retire),
    prove: gaps.flatMap(({ prove }) => prove),
    disarm: gaps.flatMap(({ disarm }) => disarm),
    status: gaps.every(({ kept }) => kept) ? 'protected' : 'degraded',
  }
}

type PartGap = Pick<PromiseGap, 'missing' | 'fail' | 'retire' | 'prove' | 'disarm'> & { readonly kept: boolean }

function partGap(question: PromiseQuestion, tier: Tier, { shadows, part }: { readonly shadows: readonly Shadow[]; readonly part: Part }): PartGap {
  const { states, busyShadowIds, nowMs } = question
  const idle = shadows.filter((shadow) => !busyShadowIds.has(shadow.id) && shadow.status !== 'reserved')
  const fail = idle.flatMap((shadow) => (isGone(shadow, states) ? [{ shadow, reason: 'its instance is gone' }] : []))
  const failedIds = new Set([
    ...fail.map(({ shadow }) => shadow.id),
    ...shadows.filter((shadow) => shadow.status === 'failed').map((shadow) => shadow.id),
  ])
  const fit = shadows.filter((shadow) => !failedIds.has(shadow.id) && part.fits(shadow))
  const good = fit.filter((shadow) => !isColdAndOld(shadow, tier, nowMs))
  const outdated = idle.filter((shadow) => !failedIds.has(shadow.id) && !good.includes(shadow))
  // A drill renews a proof that still counts while it runs, and so does the successor of a cold shadow.
  const isProven = (shadow: Shadow): boolean =>
    (shadow.status === 'ready' || shadow.status === 'proving') && proofAgeMs(shadow, nowMs) <= tier.proofMaxAgeSeconds * 1000
  const kept = good.filter(isProven).length >= part.count
  // Of those that are too many the ones with the oldest proof go, but never so many that the promise hangs on one still in the making.
  let spare = good.filter(isProven).length - part.count
  const surplus = idle
    .filter((shadow) => kept && good.includes(shadow))
    .toSorted((a, b) => proofAgeMs(b, nowMs) - proofAgeMs(a, nowMs))
    .slice(0, Math.max(0, good.length - part.count))
    .filter((shadow) => !isProven(shadow) || spare-- > 0)
  const retire = [
    ...idle.filter((shadow) => shadow.status === 'failed').map((shadow) => ({ shadow, reason: shadow.lastError ?? 'it has failed' })),
    // An outdated stand-in is better than none: it goes when its successors are proven.
    ...(kept ? outdated.filter(isRetirable).map((shadow) => ({ shadow, reason: 'the tier asks for another kind' })) : []),
    ...surplus.filter(isRetirable).map((shadow) => ({ shadow, reason: 'more shadows than promised' })),
  ]
  const goingIds = new Set([...failedIds, ...retire.map(({ shadow }) => shadow.id)])
  return {
    missing: Math.max(0, part.count - good.length),
    fail,
    retire,
    prove: idle.filter((shadow) => !goingIds.has(shadow.id) && wantsProof(shadow, tier, states, nowMs)),
    disarm: idle.filter((shadow) => shadow.armedUntil !== undefined && shadow.armedUntil.getTime() <= nowMs),
    kept: fit.filter(isProven).length >= part.count,
  }
}

const isRetirable = (shadow: Shadow): boolean =>
  shadow.status === 'ready' || shadow.status === 'unproven' || shadow.status === 'failed' || shadow.status === 'planned'

function isGone(shadow: Shadow, states: ReadonlyMap<string, PowerState>): boolean {
  if (shadow.nativeId === undefined || (shadow.status !== 'ready' && shadow.status !== 'unproven')) return false
  const state = states.get(shadow.nativeId)
  return state === undefined || state === 'terminated' || state === 'terminating'
}

/** Whether the shadow is what the owner pays for now. One that was told to stand in any zone stays where it is. */
function fitsTier(shadow: Shadow, tier: Tier, resource: Resource): boolean {
  return (
    shadow.readiness === tier.readiness &&
    shadow.purchase === tier.purchase &&
    shadow.instanceType === (tier.instanceType ?? resource.dna.size.type) &&
    standsBy(tier.hosts, shadow, resource) &&
    (tier.zones === 'any' || (tier.zones === 'other' ? shadow.zone !== resource.zone : tier.zones.includes(shadow.zone)))
  )
}

/** Elsewhere it is made of what its owner wrote down; a definition that has changed asks for another. */
const fitsPlace = (shadow: Shadow, place: Elsewhere): boolean =>
  shadow.readiness === place.readiness &&
  shadow.purchase === place.purchase &&
  shadow.dnaFingerprint === fingerprintOfPlace(place) &&
  (place.zones === 'any' || place.zones.includes(shadow.zone))

/** A cold shadow is renewed by another one: its snapshots show the primary as it was. */
const isColdAndOld = (shadow: Shadow, tier: Tier, nowMs: number): boolean =>
  shadow.readiness === 'cold' && shadow.status === 'ready' && proofAgeMs(shadow, nowMs) > tier.proofMaxAgeSeconds * 1000 * renewAtShare

function wantsProof(shadow: Shadow, tier: Tier, states: ReadonlyMap<string, PowerState>, nowMs: number): boolean {
  if (shadow.nativeId === undefined || (shadow.status !== 'ready' && shadow.status !== 'unproven')) return false
  if (shadow.status === 'unproven') return true
  // A drill starts a running shadow that somebody has stopped.
  if (isRunningKind(shadow.readiness) && states.get(shadow.nativeId) !== 'running') return true
  return proofAgeMs(shadow, nowMs) > tier.proofMaxAgeSeconds * 1000 * renewAtShare
}
