import { now } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { priorities } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import { bindingFor } from '../placement/hosts.ts'
import type { HostBinding } from '../placement/hosts.ts'
import { placementQuestion } from '../placement/find-placements.ts'
import { placements, whyNowhere } from '../placement/place.ts'
import type { Nowhere, Placement } from '../placement/place.ts'
import { fingerprintOfPlace } from '../resources/elsewhere.ts'
import type { Elsewhere } from '../resources/elsewhere.ts'
import type { Readiness, Resource } from '../resources/resource.ts'
import { newShadow } from './shadow.ts'
import type { Shadow } from './shadow.ts'

const backoffFirstMs = 5000
const backoffMaxMs = 10 * 60_000
const rememberMs = 60 * 60_000

/** How many were planned, and why not more. */
export interface Planning {
  readonly planned: number
  readonly nowhere?: Nowhere
  /** Nobody was asked this time: what was known before is still what is known. */
  readonly isUnasked?: true
}
const unasked: Planning = { planned: 0, isUnasked: true }

/** Plans shadows that are missing: the row first, and in the same transaction the operation that makes it real. */
export async function planShadows(
  control: Control,
  account: Account,
  resource: Resource,
  existing: readonly Shadow[],
  missing: number,
): Promise<Planning> {
  const { tier } = resource
  const failures = await recentFailures(control, resource, account.id)
  if (tier === undefined || isBackingOff(control, failures)) return unasked
  const provider = await control.providers.open(account)
  const instanceType = tier.instanceType ?? resource.dna.size.type
  let planned = 0
  const occupiedZones = existing.filter(({ accountId }) => accountId === account.id).map((shadow) => shadow.zone)
  for (; planned < missing; planned++) {
    const wanted = { zones: tier.zones, hosts: tier.hosts, instanceType, purchase: tier.purchase, occupiedZones, failedZones: zonesOf(failures) }
    const question = await placementQuestion(control, provider, resource, wanted)
    const [placement] = placements(question)
    if (!placement) return { planned, nowhere: whyNowhere(question) }
    await planOne(control, resource, {
      ...{ accountId: account.id, placement, readiness: tier.readiness, dnaFingerprint: resource.dna.fingerprint },
      hosts: bindingFor(tier.hosts, resource),
    })
    occupiedZones.push(placement.zone)
  }
  return { planned }
}

/** The same for the one in another account: of the closest type that its catalogue has and that can be had. */
export async function planElsewhere(control: Control, account: Account, resource: Resource, place: Elsewhere): Promise<Planning> {
  const failures = await recentFailures(control, resource, account.id)
  if (isBackingOff(control, failures)) return unasked
  const provider = await control.providers.open(account)
  const { readiness, purchase, definition } = place
  const { vcpus, memoryMiB, arch } = definition
  const size = `${vcpus} vCPUs and ${memoryMiB} MiB (${arch})`
  let nowhere: Nowhere = { code: 'type', reason: `No type that the cloud offers has ${size}.` }
  for (const { instanceType } of (await provider.portable?.fitting(definition)) ?? []) {
    if (readiness === 'warm' && instanceType === resource.dna.size.type) continue
    const wanted = { zones: place.zones, instanceType, purchase, occupiedZones: [], failedZones: zonesOf(failures), accountId: account.id }
    const question = await placementQuestion(control, provider, resource, wanted)
    const [placement] = placements(question)
    nowhere = whyNowhere(question)
    if (!placement) continue
    await planOne(control, resource, { accountId: account.id, placement, readiness, dnaFingerprint: fingerprintOfPlace(place) })
    return { planned: 1 }
  }
  return { planned: 0, nowhere }
}

interface Failure {
  readonly atMs: number
  readonly zone: string | undefined
}
const zonesOf = (failures: readonly Failure[]): readonly string[] => failures.flatMap(({ zone }) => zone ?? [])

/** What could not be made of late in this account. Another one may still do. */
async function recentFailures(control: Control, resource: Resource, accountId: string): Promise<readonly Failure[]> {
  const { operations, shadows } = control.database.stores
  const failed = await operations.list(resource.projectId, {
    after: undefined,
    limit: 20,
    resourceId: resource.id,
    kind: 'shadow.provision',
    status: 'failed',
  })
  const nowMs = control.clock.nowMs()
  const recent: Failure[] = []
  for (const { finishedAt, shadowId } of failed) {
    const finishedMs = finishedAt?.getTime() ?? 0
    if (nowMs - finishedMs >= rememberMs) continue
    const shadow = shadowId === undefined ? undefined : await shadows.findById(shadowId)
    if (shadow === undefined || shadow.accountId === accountId) recent.push({ atMs: finishedMs, zone: shadow?.zone })
  }
  return recent
}

/** A cloud that refuses is asked again ever more rarely, so that a wrong tier does not become a loop of launches. */
function isBackingOff({ clock }: Control, failures: readonly Failure[]): boolean {
  if (failures.length === 0) return false
  const waitMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (failures.length - 1))
  return clock.nowMs() - Math.max(...failures.map(({ atMs }) => atMs)) < waitMs
}

interface Planned {
  readonly accountId: string
  readonly placement: Placement
  readonly readiness: Readiness
  readonly dnaFingerprint: string
  readonly hosts?: HostBinding | undefined
}

async function planOne(control: Control, resource: Resource, { accountId, placement, readiness, dnaFingerprint, hosts }: Planned): Promise<void> {
  const at = now(control.clock)
  const id = control.ids.next('shadow')
  await control.database.transaction(async (stores) => {
    await stores.shadows.insert({
      id,
      projectId: resource.projectId,
      resourceId: resource.id,
      accountId,
      status: 'planned',
      nativeId: undefined,
      ...placement,
      readiness,
      hosts,
      dnaFingerprint,
      ...newShadow(at),
    })
    await startOperation(control, stores, {
      kind: 'shadow.provision',
      projectId: resource.projectId,
      resourceId: resource.id,
      shadowId: id,
      params: { shadowId: id },
      lockKey: `shadow:${id}`,
      priority: priorities.provision,
      requestedBy: systemActor('shadows'),
      reason: `a ${readiness} shadow is promised${accountId === resource.accountId ? '' : ` in ${accountId}`}`,
    })
  })
}
