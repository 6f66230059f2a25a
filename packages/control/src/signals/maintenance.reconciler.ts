import type { Json } from '@understudy/core'
import type { Account } from '../accounts/account.ts'
import type { Control } from '../context.ts'
import { AccountFailures } from '../reconcilers/per-account.ts'
import type { Reconciler } from '../reconcilers/reconciler.ts'
import { acceptSignals } from './accept-signals.ts'

const pageSize = 500
const openMax = 500

/** Reads the clouds' own books of scheduled changes, and so finds what a lost push has said. Known ones are duplicates, and those that are gone are over. */
export const maintenanceReconciler: Reconciler = {
  name: 'maintenance',
  everyMs: 5 * 60_000,
  passMaxMs: 300_000,
  async pass(control) {
    const counts = { primaries: 0, scheduled: 0 }
    const failures = new AccountFailures()
    let after: string | undefined
    const read = new Set<string>()
    for (;;) {
      const page = await control.database.stores.resources.listProtected({ limit: pageSize, after })
      for (const [accountId, resources] of Map.groupBy(page, (resource) => resource.accountId)) {
        await failures.isolate(control, accountId, async (account) => {
          counts.scheduled += await readBooks(
            control,
            account,
            resources.map((resource) => resource.nativeId),
          )
        })
        for (const { nativeId } of resources) read.add(`${accountId} ${nativeId}`)
      }
      counts.primaries += page.length
      after = page.at(-1)?.id
      if (page.length < pageSize) break
    }
    // What was pushed about others has to be followed too: whether it still holds.
    const announced = (await control.database.stores.transitions.listOpen(openMax)).filter(
      ({ source, accountId, nativeId }) => source === 'cloud' && !read.has(`${accountId} ${nativeId}`),
    )
    for (const [accountId, transitions] of Map.groupBy(announced, (transition) => transition.accountId)) {
      await failures.isolate(control, accountId, async (account) => {
        counts.scheduled += await readBooks(control, account, [...new Set(transitions.map(({ nativeId }) => nativeId))])
      })
    }
    return { result: { ...counts, failingAccounts: failures.report() } }
  },
}

async function readBooks(control: Control, account: Account, nativeIds: readonly string[]): Promise<number> {
  const provider = await control.providers.open(account)
  if (!provider.signals) return 0
  const { signals, lists } = await provider.signals.scheduled(nativeIds)
  const raw = (read: object): Json => JSON.parse(JSON.stringify(read)) as Json // drops what is undefined
  await acceptSignals(control, {
    account,
    source: 'poll',
    received: signals.map((signal) => ({ signal, raw: raw(signal) })),
    lists: lists.map((list) => ({ list, raw: raw(list) })),
  })
  return signals.length
}
