import { now } from '@understudy/core'
import { systemActor } from '../../access/access.ts'
import type { Control } from '../../context.ts'
import { priorities } from '../../operations/operation.ts'
import { startOperations } from '../../operations/start-operation.ts'
import { AccountFailures } from '../../reconcilers/per-account.ts'
import type { Reconciler } from '../../reconcilers/reconciler.ts'
import { swapOrRepeat } from '../../seen-version.ts'
import { governedPages } from '../policies/governed.ts'
import type { DueCopy, WantedCopies } from './recovery-copy.store.ts'
import type { RecoveryCopy } from './recovery-copy.ts'

/** Of the whole installation: clouds take few copies to one region at once. */
const startsPerPass = 20

/** Has points copied to the regions that their policies name. */
export const recoveryCopiesReconciler: Reconciler = {
  name: 'recovery-copies',
  everyMs: 60_000,
  passMaxMs: 120_000,
  async pass(control) {
    const { stores } = control.database
    const failures = new AccountFailures()
    const clouds = new Map<string, CopyingCloud | undefined>()
    let started = 0
    for (const projectId of await stores.recoverySchedules.projects()) {
      const policies = await stores.rollbackPolicies.inForce([projectId])
      if (!policies.some(({ rules }) => (rules.copies ?? []).length > 0)) continue
      for await (const governed of governedPages(stores, projectId, policies)) {
        const copied = governed.filter(({ policy }) => (policy.rules.copies ?? []).length > 0)
        await lookAt(control, failures, clouds, copied)
        const wanted = copied.flatMap(({ resource, policy }) => {
          const cloud = clouds.get(resource.accountId)
          if (cloud === undefined) return []
          const { inOrder } = cloud
          return (policy.rules.copies ?? []).flatMap(({ region }) => (region === cloud.region ? [] : [{ resourceId: resource.id, region, inOrder }]))
        })
        started += await start(control, wanted, startsPerPass - started)
        if (started >= startsPerPass) return { result: { started }, runAgainInMs: 10_000 }
      }
    }
    return { result: { started, failingAccounts: failures.report() } }
  },
}

interface CopyingCloud {
  readonly region: string
  readonly inOrder: boolean
}

/** Accounts are opened when something of theirs is to be copied, and not before. Undefined: the cloud makes no copies. */
async function lookAt(
  control: Control,
  failures: AccountFailures,
  clouds: Map<string, CopyingCloud | undefined>,
  governed: readonly { readonly resource: { readonly accountId: string } }[],
): Promise<void> {
  for (const id of new Set(governed.map(({ resource }) => resource.accountId))) {
    if (clouds.has(id)) continue
    clouds.set(id, undefined)
    await failures.isolate(control, id, async (account) => {
      const { copies, scope, traits } = await control.providers.open(account)
      const inOrder = traits.copySnapshots.supported && traits.copySnapshots.inOrder === true
      if (copies !== undefined) clouds.set(id, { region: scope.region, inOrder })
    })
  }
}

async function start(control: Control, wanted: readonly WantedCopies[], max: number): Promise<number> {
  if (wanted.length === 0 || max <= 0) return 0
  const at = now(control.clock)
  return control.database.transaction(async (stores) => {
    const due = await stores.recoveryCopies.listDue(wanted, at, max)
    const rows = due.map((item) => ({ item, id: item.copyId ?? control.ids.next('recoveryCopy') }))
    const begun = await startOperations(
      control,
      stores,
      rows.map(({ item, id }) => ({
        kind: 'recovery.copy' as const,
        projectId: item.projectId,
        params: { copyId: id, pointId: item.pointId },
        resourceId: item.resourceId,
        lockKey: `recovery.copy:${item.pointId}:${item.region}`,
        priority: priorities.background,
        requestedBy: systemActor('recovery-copies'),
        reason: `The policy wants its points in ${item.region} too`,
      })),
    )
    const fresh: RecoveryCopy[] = []
    let started = 0
    for (const [index, { item, id }] of rows.entries()) {
      const { operation, joined } = begun[index]! // one for each that was asked for
      if (joined) continue
      started += 1
      const before = item.copyId === undefined ? undefined : await stores.recoveryCopies.findById(item.copyId)
      if (before === undefined) fresh.push(newCopy(item, id, operation.id, at))
      else {
        const again = { ...before, status: 'copying', attempts: before.attempts + 1, nextAttemptAt: undefined } as const
        await swapOrRepeat(stores.recoveryCopies.update({ ...again, operationId: operation.id, updatedAt: at }, before.version))
      }
    }
    await stores.recoveryCopies.insert(fresh)
    return started
  })
}

const newCopy = ({ copyId: _none, ...of }: DueCopy, id: string, operationId: string, at: Date): RecoveryCopy => ({
  ...{ ...of, id, operationId, status: 'copying', members: [], attempts: 1, nextAttemptAt: undefined, lastError: undefined },
  ...{ completedAt: undefined, deletedAt: undefined, createdAt: at, updatedAt: at, version: 1 },
})
