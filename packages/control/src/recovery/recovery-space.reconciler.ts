import { now } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { Snapshots } from '@understudy/provider'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { AccountFailures } from '../reconcilers/per-account.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'
import type { PointSpace, PointToMeasure } from './space.ts'

const minute = 60_000
/** It is no longer what it was when a neighbour was deleted by somebody else. */
const knownMs = 24 * 60 * minute
const unknownMs = 5 * minute
const perAccountAndPass = 200

/** A list of changed blocks says the same as long as the point before stands, and then it is forgotten. */
const countedMs = 7 * knownMs

/**
 * Asks clouds that say it what they keep for each point, or counts the blocks that they list. What they do not know yet stays unknown, and is
 * asked again.
 */
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
  if (snapshots?.storedBytes === undefined && snapshots?.countBytes === undefined) return { asked: 0, known: 0 }
  const at = now(control.clock)
  const keptMs = snapshots.storedBytes === undefined ? countedMs : knownMs
  const before = { known: new Date(at.getTime() - keptMs), unknown: new Date(at.getTime() - unknownMs), limit: perAccountAndPass }
  const due = await recoveryPoints.listSpaceDue(account.id, before)
  let known = 0
  for (const point of due) {
    const space = await spaceOf(snapshots, point)
    if (space.usedBytes !== undefined) known += 1
    await recoveryPoints.setSpace(point.id, space, at)
  }
  return { asked: due.length, known }
}

async function spaceOf(snapshots: Snapshots, { setId, sinceSetId, fullBytes }: PointToMeasure): Promise<PointSpace> {
  const unknown = { usedBytes: undefined, fullBytes }
  if (snapshots.storedBytes !== undefined) {
    const usedBytes = await snapshots.storedBytes({ setId })
    return usedBytes === undefined ? unknown : { basis: 'cloud', usedBytes, fullBytes }
  }
  try {
    const counted = await snapshots.countBytes?.({ setId }, { since: sinceSetId === undefined ? undefined : { setId: sinceSetId } })
    return counted === undefined ? unknown : { basis: 'changed-blocks', ...counted }
  } catch (error) {
    // Listing blocks is a permission of its own: without it the room is unknown, and nothing else is the worse for it.
    if (!isProviderError(error, 'unauthorized')) throw error
    return unknown
  }
}
