import type { PowerState } from '@understudy/provider'
import { now } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { holdingThePrimary } from '../operations/hold-the-primary.ts'
import { priorities } from '../operations/operation.ts'
import type { Operation } from '../operations/operation.ts'
import type { SagaName } from '../operations/saga-versions.ts'
import { startOperations } from '../operations/start-operation.ts'
import type { NewOperation } from '../operations/start-operation.ts'
import { AccountFailures } from '../reconcilers/per-account.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'
import type { Resource } from '../resources/resource.ts'
import { planElsewhere, planShadows } from './plan-shadows.ts'
import type { Planning } from './plan-shadows.ts'
import { promiseGap } from './promise.gate.ts'
import type { PromiseGap } from './promise.gate.ts'
import type { Shadow } from './shadow.ts'
import { noteUnplaced } from './unplaced.ts'

const pageSize = 200
/** After this many failed drills since its last proof a shadow is replaced. */
const failedDrillsMax = 2

/** Keeps the promised shadows in existence, proven and in the right place. */
export const shadowsReconciler: Reconciler = {
  name: 'shadows',
  everyMs: 15_000,
  passMaxMs: 120_000,
  async pass(control) {
    const counts = { resources: 0, planned: 0, failed: 0, retired: 0, drills: 0, disarmed: 0, degraded: 0 }
    const failures = new AccountFailures()
    let after: string | undefined
    for (;;) {
      const page = await control.database.stores.resources.listProtected({ limit: pageSize, after })
      for (const [accountId, resources] of Map.groupBy(page, (resource) => resource.accountId)) {
        await failures.isolate(control, accountId, (account) => reconcileAccount(control, { account, failures }, resources, counts))
      }
      counts.resources += page.length
      after = page.at(-1)?.id
      if (page.length < pageSize) return { result: { ...counts, failingAccounts: failures.report() } }
    }
  },
}

interface Counts {
  planned: number
  failed: number
  retired: number
  drills: number
  disarmed: number
  degraded: number
}

interface Home {
  readonly account: Account
  /** What goes wrong in other accounts stays theirs. */
  readonly failures: AccountFailures
}

async function reconcileAccount(control: Control, home: Home, resources: readonly Resource[], counts: Counts): Promise<void> {
  const { stores } = control.database
  const resourceIds = resources.map((resource) => resource.id)
  const shadows = await stores.shadows.listAlive(resourceIds)
  const unfinished = await stores.operations.listUnfinished({ resourceIds, limit: 10_000 })
  const shadowsOf = Map.groupBy(shadows, (shadow) => shadow.resourceId)
  const busyResources = new Set(unfinished.filter((operation) => holdingThePrimary.has(operation.kind)).map((operation) => operation.resourceId))
  const idle = resources.filter((resource) => !busyResources.has(resource.id))
  const { states, unseen } = await statesOf(
    control,
    home,
    idle.flatMap((resource) => shadowsOf.get(resource.id) ?? []),
  )
  // Nothing is decided about one that nobody could be asked about.
  const busyShadowIds = new Set([...unfinished.flatMap((operation) => (operation.shadowId === undefined ? [] : [operation.shadowId])), ...unseen])
  for (const resource of idle) {
    const own = shadowsOf.get(resource.id) ?? []
    const gap = promiseGap({ resource, shadows: own, states, busyShadowIds, nowMs: control.clock.nowMs() })
    await close(control, home, resource, own, gap, counts)
  }
}

interface Seen {
  readonly states: ReadonlyMap<string, PowerState>
  /** Shadows in accounts that did not answer. */
  readonly unseen: readonly string[]
}

async function statesOf(control: Control, { account, failures }: Home, shadows: readonly Shadow[]): Promise<Seen> {
  const states = new Map<string, PowerState>()
  const unseen = new Set<string>()
  const ask = async (asked: Account, its: readonly Shadow[]): Promise<void> => {
    const nativeIds = its.flatMap((shadow) => (shadow.nativeId === undefined ? [] : [shadow.nativeId]))
    if (nativeIds.length === 0) return
    const provider = await control.providers.open(asked)
    const summaries = await provider.inventory.states(nativeIds.map((nativeId) => ({ ...provider.scope, nativeId })))
    for (const [nativeId, { state }] of summaries) states.set(nativeId, state)
  }
  for (const [accountId, its] of Map.groupBy(shadows, (shadow) => shadow.accountId)) {
    if (accountId === account.id) {
      await ask(account, its)
      continue
    }
    for (const { id } of its) unseen.add(id)
    await failures.isolate(control, accountId, async (other) => {
      await ask(other, its)
      for (const { id } of its) unseen.delete(id)
    })
  }
  return { states, unseen: [...unseen] }
}

async function close(
  control: Control,
  { account, failures }: Home,
  resource: Resource,
  shadows: readonly Shadow[],
  gap: PromiseGap,
  counts: Counts,
): Promise<void> {
  const at = now(control.clock)
  if (gap.status !== resource.status) await control.database.stores.resources.setStatus(resource.id, gap.status, at)
  if (gap.status === 'degraded') counts.degraded += 1
  const failing = [...gap.fail]
  const drills: Shadow[] = []
  for (const shadow of gap.prove) {
    const failed = await failedDrills(control, shadow)
    if (failed.length >= failedDrillsMax)
      failing.push({ shadow, reason: `its drill failed ${failed.length} times: ${failed[0]?.error?.message ?? ''}` })
    else drills.push(shadow)
  }
  for (const { shadow, reason } of failing) {
    const moved = await control.database.stores.shadows.move(shadow.id, {
      from: ['ready', 'unproven'],
      to: 'failed',
      operationId: null,
      lastError: reason,
      at,
    })
    if (moved) counts.failed += 1
  }
  await start(control, resource, [
    ...gap.retire.map(({ shadow, reason }) => operationFor(resource, shadow, 'shadow.retire', priorities.background, reason)),
    ...failing.map(({ shadow, reason }) => operationFor(resource, shadow, 'shadow.retire', priorities.background, reason)),
    ...drills.map((shadow) => operationFor(resource, shadow, 'shadow.prove', priorities.drill, 'its proof is due')),
    ...gap.disarm.map((shadow) => operationFor(resource, shadow, 'shadow.disarm', priorities.background, 'the arming was not confirmed in time')),
  ])
  counts.retired += gap.retire.length
  counts.drills += drills.length
  counts.disarmed += gap.disarm.length
  const plannings = new Map<string, Planning>()
  if (gap.missing > 0) plannings.set(account.id, await planShadows(control, account, resource, shadows, gap.missing))
  for (const { accountId, ...place } of gap.missingIn) {
    // An account that does not answer has said nothing new.
    plannings.set(accountId, { planned: 0, isUnasked: true })
    await failures.isolate(control, accountId, async (other) => {
      plannings.set(accountId, await planElsewhere(control, other, resource, { accountId, ...place }))
    })
  }
  for (const { planned } of plannings.values()) counts.planned += planned
  await noteUnplaced(control, resource, plannings)
}

async function failedDrills(control: Control, shadow: Shadow): Promise<readonly Operation[]> {
  const failed = await control.database.stores.operations.list(shadow.projectId, {
    after: undefined,
    limit: 20,
    resourceId: shadow.resourceId,
    kind: 'shadow.prove',
    status: 'failed',
  })
  const sinceMs = shadow.proof?.at.getTime() ?? shadow.createdAt.getTime()
  return failed.filter((operation) => operation.shadowId === shadow.id && operation.createdAt.getTime() >= sinceMs)
}

const operationFor = (resource: Resource, shadow: Shadow, kind: SagaName, priority: number, reason: string): NewOperation => ({
  kind,
  projectId: resource.projectId,
  resourceId: resource.id,
  shadowId: shadow.id,
  params: { shadowId: shadow.id },
  lockKey: `shadow:${shadow.id}`,
  priority,
  requestedBy: systemActor('shadows'),
  reason,
})

async function start(control: Control, _resource: Resource, operations: readonly NewOperation[]): Promise<void> {
  if (operations.length > 0) await control.database.transaction((stores) => startOperations(control, stores, operations))
}
