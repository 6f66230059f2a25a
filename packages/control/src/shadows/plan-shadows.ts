import { now } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { priorities } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import { findPlacements } from '../placement/find-placements.ts'
import type { Placement } from '../placement/place.ts'
import { fingerprintOfPlace } from '../resources/elsewhere.ts'
import type { Elsewhere } from '../resources/elsewhere.ts'
import type { Readiness, Resource } from '../resources/resource.ts'
import type { Shadow } from './shadow.ts'

const backoffFirstMs = 5000
const backoffMaxMs = 10 * 60_000
const rememberMs = 60 * 60_000

/** Plans shadows that are missing: the row first, and in the same transaction the operation that makes it real. Answers how many. */
export async function planShadows(
  control: Control,
  account: Account,
  resource: Resource,
  existing: readonly Shadow[],
  missing: number,
): Promise<number> {
  const { tier } = resource
  if (tier === undefined || (await isBackingOff(control, resource, account.id))) return 0
  const provider = await control.providers.open(account)
  const instanceType = tier.instanceType ?? resource.dna.size.type
  let planned = 0
  const occupiedZones = existing.filter(({ accountId }) => accountId === account.id).map((shadow) => shadow.zone)
  for (; planned < missing; planned++) {
    const [placement] = await findPlacements(control, provider, resource, { zones: tier.zones, instanceType, purchase: tier.purchase, occupiedZones })
    if (!placement) break
    await planOne(control, resource, { accountId: account.id, placement, readiness: tier.readiness, dnaFingerprint: resource.dna.fingerprint })
    occupiedZones.push(placement.zone)
  }
  return planned
}

/** The same for the one in another account: of the closest type that its catalogue has and that can be had. */
export async function planElsewhere(control: Control, account: Account, resource: Resource, place: Elsewhere): Promise<number> {
  if (await isBackingOff(control, resource, account.id)) return 0
  const provider = await control.providers.open(account)
  const { readiness, purchase, definition } = place
  for (const { instanceType } of (await provider.portable?.fitting(definition)) ?? []) {
    if (readiness === 'warm' && instanceType === resource.dna.size.type) continue
    const wanted = { zones: place.zones, instanceType, purchase, occupiedZones: [], accountId: account.id }
    const [placement] = await findPlacements(control, provider, resource, wanted)
    if (!placement) continue
    await planOne(control, resource, { accountId: account.id, placement, readiness, dnaFingerprint: fingerprintOfPlace(place) })
    return 1
  }
  return 0
}

/** A cloud that refuses is asked again ever more rarely, so that a wrong tier does not become a loop of launches. Another account may still do. */
async function isBackingOff(control: Control, resource: Resource, accountId: string): Promise<boolean> {
  const { operations, shadows } = control.database.stores
  const failed = await operations.list(resource.projectId, {
    after: undefined,
    limit: 20,
    resourceId: resource.id,
    kind: 'shadow.provision',
    status: 'failed',
  })
  const nowMs = control.clock.nowMs()
  const recent: number[] = []
  for (const { finishedAt, shadowId } of failed) {
    const finishedMs = finishedAt?.getTime() ?? 0
    if (nowMs - finishedMs >= rememberMs) continue
    const shadow = shadowId === undefined ? undefined : await shadows.findById(shadowId)
    if (shadow === undefined || shadow.accountId === accountId) recent.push(finishedMs)
  }
  if (recent.length === 0) return false
  const waitMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (recent.length - 1))
  return nowMs - Math.max(...recent) < waitMs
}

interface Planned {
  readonly accountId: string
  readonly placement: Placement
  readonly readiness: Readiness
  readonly dnaFingerprint: string
}

async function planOne(control: Control, resource: Resource, { accountId, placement, readiness, dnaFingerprint }: Planned): Promise<void> {
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
      dnaFingerprint,
      proof: undefined,
      armedUntil: undefined,
      operationId: undefined,
      failures: 0,
      lastError: undefined,
      createdAt: at,
      updatedAt: at,
      version: 1,
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
