import { now } from '@understudy/core'
import { systemActor } from '../../access/access.ts'
import type { Control } from '../../context.ts'
import { priorities } from '../../operations/operation.ts'
import { startOperations } from '../../operations/start-operation.ts'
import type { Reconciler } from '../../reconcilers/reconciler.ts'
import { governedPages } from '../policies/governed.ts'
import type { DigestMode } from './digests.ts'

/** Of the whole installation: reading is slow, and takes what a cloud lets one account read. */
const startsPerPass = 20
const dayMs = 86_400_000
/** Points from before a policy asked for digests are read too, as far as they are not older. */
const oldestMs = 7 * dayMs
const againMs = dayMs

/** Has points read whose policy wants it: of each resource one after the other, the oldest first. */
export const recoveryDigestsReconciler: Reconciler = {
  name: 'recovery-digests',
  everyMs: 60_000,
  passMaxMs: 120_000,
  async pass(control) {
    const { stores } = control.database
    let started = 0
    for (const projectId of await stores.recoverySchedules.projects()) {
      const policies = await stores.rollbackPolicies.inForce([projectId])
      if (!policies.some(({ rules }) => (rules.digests ?? 'none') !== 'none')) continue
      for await (const governed of governedPages(stores, projectId, policies)) {
        const modes = new Map(governed.map(({ resource, policy }) => [resource.id, policy.rules.digests ?? 'none']))
        started += await start(control, projectId, modes, startsPerPass - started)
        if (started >= startsPerPass) return { result: { started }, runAgainInMs: 10_000 }
      }
    }
    return { result: { started } }
  },
}

async function start(control: Control, projectId: string, modes: ReadonlyMap<string, DigestMode>, max: number): Promise<number> {
  const wanted = [...modes].filter(([, mode]) => mode !== 'none').map(([id]) => id)
  if (wanted.length === 0) return 0
  const atMs = now(control.clock).getTime()
  const times = { capturedSince: new Date(atMs - oldestMs), failedBefore: new Date(atMs - againMs) }
  const due = (await control.database.stores.recoveryDigests.due(wanted, times)).slice(0, max)
  const begun = await control.database.transaction((stores) =>
    startOperations(
      control,
      stores,
      due.map(({ id, resourceId }) => ({
        kind: 'recovery.digest' as const,
        projectId,
        params: { pointId: id, mode: modes.get(resourceId) ?? 'incremental' },
        resourceId,
        // Each is built on the one before.
        lockKey: `recovery.digest:${resourceId}`,
        priority: priorities.background,
        requestedBy: systemActor('recovery-digests'),
        reason: 'The policy wants the bytes of its points to have digests',
      })),
    ),
  )
  return begun.filter(({ joined }) => !joined).length
}
