import { isAppError, now } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import type { Control } from '../context.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'
import type { ComplianceRow } from '../recovery/policies/compliance.ts'
import type { DrillRule } from '../recovery/policies/policy.ts'
import { isOpen } from '../recovery/policies/schedule.ts'
import { startTestRollback } from './start-test-rollback.ts'

const part = 'restore-drills'
const pageSize = 500
/** Each is an instance that costs money for a while. */
const drillsPerPass = 10
/** A drill that has failed is tried again after so long, or as soon as the policy would have it anew. */
const retryMs = 86_400_000

/** Starts the test rollbacks that policies ask for: of a resource's newest point, when its last proven restore has grown old. */
export const policyDrillsReconciler: Reconciler = {
  name: 'policy-drills',
  everyMs: 300_000,
  passMaxMs: 300_000,
  async pass(control) {
    const { stores } = control.database
    const at = now(control.clock)
    let started = 0
    let due = 0
    for (const projectId of await stores.recoverySchedules.projects()) {
      const rules = new Map((await stores.rollbackPolicies.inForce([projectId])).map((policy) => [policy.id, policy.rules.drills]))
      if ([...rules.values()].every((rule) => rule === undefined)) continue
      let after: string | undefined
      do {
        const rows = await stores.compliance.list(projectId, { after, limit: pageSize, at })
        const last = await stores.restoreDrills.lastOf(rows.map(({ resourceId }) => resourceId))
        const wanted = rows.filter((row) => isDrillDue(row, rules.get(row.policyId ?? ''), last.get(row.resourceId), at))
        due += wanted.length
        for (const row of wanted.slice(0, Math.max(0, drillsPerPass - started))) started += Number(await begin(control, row))
        after = rows.length < pageSize ? undefined : rows.at(-1)?.resourceId
      } while (after !== undefined)
    }
    return { result: { due, started }, ...(due > started && started > 0 ? { runAgainInMs: 60_000 } : {}) }
  },
}

/** Pure. `lastAt`: when the last drill of the resource began, however it has ended. */
export function isDrillDue(
  { newestPointId, restoreProvenAt }: Pick<ComplianceRow, 'newestPointId' | 'restoreProvenAt'>,
  rule: DrillRule | undefined,
  lastAt: Date | undefined,
  at: Date,
): boolean {
  if (rule === undefined || newestPointId === undefined) return false
  const afterMs = rule.afterSeconds * 1000
  const isOlder = (than: Date | undefined, ms: number): boolean => than === undefined || at.getTime() - than.getTime() >= ms
  const window = rule.window === undefined ? {} : { window: rule.window }
  return (
    isOlder(restoreProvenAt, afterMs) &&
    isOlder(lastAt, Math.min(afterMs, retryMs)) &&
    isOpen({ cron: '', timeZone: rule.timeZone ?? 'UTC', ...window }, at)
  )
}

async function begin(control: Control, { projectId, newestPointId, restoreProvenAt }: ComplianceRow): Promise<boolean> {
  const principal: Principal = { keyId: '', projectId, role: 'operator', name: part, installationAdmin: false, system: part }
  const reason = restoreProvenAt === undefined ? 'No restore was ever proven' : `The last restore was proven at ${restoreProvenAt.toISOString()}`
  try {
    await startTestRollback(control, principal, { id: newestPointId ?? '', reason })
    return true
  } catch (error) {
    // Somebody rehearses it already, or it has gone meanwhile: the next pass looks again.
    if (isAppError(error, 'busy') || isAppError(error, 'conflict') || isAppError(error, 'not_found')) return false
    throw error
  }
}
