import { now } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { priorities } from '../operations/operation.ts'
import { startOperation } from '../operations/start-operation.ts'
import { findPlacements } from '../placement/find-placements.ts'
import type { Placement } from '../placement/place.ts'
import type { Resource } from '../resources/resource.ts'
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
  if (tier === undefined || (await isBackingOff(control, resource))) return 0
  const provider = await control.providers.open(account)
  const instanceType = tier.instanceType ?? resource.dna.size.type
  let planned = 0
  const occupiedZones = existing.map((shadow) => shadow.zone)
  for (; planned < missing; planned++) {
    const [placement] = await findPlacements(control, provider, resource, { zones: tier.zones, instanceType, purchase: tier.purchase, occupiedZones })
    if (!placement) break
    await planOne(control, resource, placement)
    occupiedZones.push(placement.zone)
  }
  return planned
}

/** A cloud that refuses is asked again ever more rarely, so that a wrong tier does not become a loop of launches. */
async function isBackingOff(control: Control, resource: Resource): Promise<boolean> {
  const failed = await control.database.stores.operations.list(resource.projectId, {
    after: undefined,
    limit: 20,
    resourceId: resource.id,
    kind: 'shadow.provision',
    status: 'failed',
  })
  const nowMs = control.clock.nowMs()
  const recent = failed.map((operation) => operation.finishedAt?.getTime() ?? 0).filter((finishedMs) => nowMs - finishedMs < rememberMs)
  if (recent.length === 0) return false
  const waitMs = Math.min(backoffMaxMs, backoffFirstMs * 2 ** (recent.length - 1))
  return nowMs - Math.max(...recent) < waitMs
}

async function planOne(control: Control, resource: Resource, placement: Placement): Promise<void> {
  const at = now(control.clock)
  const id = control.ids.next('shadow')
  await control.database.transaction(async (stores) => {
    await stores.shadows.insert({
      id,
      projectId: resource.projectId,
      resourceId: resource.id,
      accountId: resource.accountId,
      status: 'planned',
      nativeId: undefined,
      ...placement,
      readiness: resource.tier?.readiness ?? 'hot',
      dnaFingerprint: resource.dna.fingerprint,
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
      reason: `a ${resource.tier?.readiness ?? ''} shadow is promised`,
    })
  })
}
