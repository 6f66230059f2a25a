import { now } from '@understudy/core'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { AccountFailures } from '../reconcilers/per-account.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'

const minute = 60_000
/** It is no longer what it was when a neighbour was deleted by somebody else. */
const knownMs = 24 * 60 * minute
const unknownMs = 5 * minute
const perAccountAndPass = 200

/** Asks clouds that say it what they keep for each point. They count after the fact: what they do not know yet stays unknown, and is asked again. */
export const recoverySpaceReconciler: Reconciler = {
  name: 'recovery-space',
  everyMs: 5 * minute,
  passMaxMs: 5 * minute,
  async pass(control) {
    const failures = new AccountFailures()
    const found = { asked: 0, known: 0 }
    for (const { id } of await control.database.stores.accounts.listAll()) {
      await failures.isolate(control, id, async (account) => {
        const { asked, known } = await measure(control, account)
        found.asked += asked
        found.known += known
      })
    }
    return { result: { ...found, failingAccounts: failures.report() } }
  },
}

async function measure(control: Control, account: Account): Promise<{ readonly asked: number; readonly known: number }> {
  const { recoveryPoints } = control.database.stores
  if (!(await recoveryPoints.holdsAnything(account.id))) return { asked: 0, known: 0 }
  const { snapshots } = await control.providers.open(account)
  if (snapshots?.storedBytes === undefined) return { asked: 0, known: 0 }
  const at = now(control.clock)
  const before = { known: new Date(at.getTime() - knownMs), unknown: new Date(at.getTime() - unknownMs), limit: perAccountAndPass }
  const due = await recoveryPoints.listSpaceDue(account.id, before)
  let known = 0
  for (const { id, setId, fullBytes } of due) {
    const usedBytes = await snapshots.storedBytes({ setId })
    if (usedBytes !== undefined) known += 1
    await recoveryPoints.setSpace(id, { usedBytes, fullBytes }, at)
  }
  return { asked: due.length, known }
}
