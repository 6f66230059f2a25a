import { AppError, ownTags } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { Leftover } from '@understudy/provider'
import { saga } from '@understudy/saga'
import type { StepContext } from '@understudy/saga'
import { z } from 'zod'
import { systemActor } from '../access/access.ts'
import type { Account } from '../accounts/account.ts'
import { callContext } from '../cloud/call-context.ts'
import type { SagaDeps } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { sagaVersions } from '../operations/saga-versions.ts'
import { findLeftovers } from './find-leftovers.ts'

const params = z.strictObject({ accountId: z.string() })
type Step = StepContext<z.infer<typeof params>, object>
const minute = 60_000

/** Removes what was left in an account and holds nothing. What has found its use again since stays. */
export const sweepLeftoversSaga = saga<SagaDeps, z.infer<typeof params>>('account.sweep', { version: sagaVersions['account.sweep'], params })
  .step('removed', {
    title: 'Remove what nobody uses',
    budget: { maxMs: 30 * minute },
    run: remove,
    undo: 'nothing-to-undo',
  })
  .step('recorded', {
    title: 'Tell what was left',
    budget: { maxMs: minute },
    run: async (deps, step) => {
      const { addresses, commands } = step.outputs.removed
      const account = await accountOf(deps, step)
      await deps.database.transaction((stores) =>
        recordChange(deps, stores, {
          projectId: account.projectId,
          actor: systemActor('leftovers'),
          what: 'accounts.leftovers_removed',
          subject: `accounts/${account.id}`,
          operationId: step.operationId,
          data: { addresses, commands },
          deduplicationKey: `${step.operationId}:removed`,
        }),
      )
    },
    undo: 'nothing-to-undo',
  })
  .end()

async function remove(deps: SagaDeps, step: Step): Promise<{ readonly addresses: number; readonly commands: number }> {
  const provider = await deps.openProvider(step.params.accountId)
  // Looked for anew: since the sweep was asked for, the world has moved.
  const account = await accountOf(deps, step)
  const found = await findLeftovers(deps, account, provider)
  const staying = new Set<string>()
  for (const { kind, nativeId, tags } of found) {
    const resourceId = tags[ownTags.resource] ?? ''
    await step.audit({ action: 'leftovers.remove', target: nativeId, details: { kind, resourceId, madeBy: tags[ownTags.operation] ?? '' } })
    try {
      await provider.leftovers?.remove({ kind, nativeId }, callContext(deps, step, { suffix: nativeId, resourceId, priority: 'background' }))
    } catch (error) {
      if (!isProviderError(error, 'conflict')) throw error
      staying.add(nativeId)
      await step.note(`${nativeId} is in use again: it stays.`)
    }
  }
  const removed = await begunOn(deps, account, step)
  const count = (of: Leftover['kind']): number => [...removed].filter(([target, kind]) => kind === of && !staying.has(target)).length
  return { addresses: count('address'), commands: count('command') }
}

const pageSize = 1000

/** What this operation has gone about, in attempts before this one as well, which were cut off: the kind by the id. */
async function begunOn({ database: { stores } }: SagaDeps, { projectId }: Account, { operationId }: Step): Promise<ReadonlyMap<string, unknown>> {
  const begun = new Map<string, unknown>()
  for (let after = 0; ;) {
    const page = await stores.audit.list(projectId, { after, limit: pageSize, operationId })
    for (const { action, target, details } of page)
      if (action === 'leftovers.remove') begun.set(target, (details as { readonly kind?: unknown } | null)?.kind) // as it was written above
    const last = page.at(-1)
    if (last === undefined || page.length < pageSize) return begun
    after = last.sequence
  }
}

async function accountOf({ database }: SagaDeps, step: Step): Promise<Account> {
  const account = await database.stores.accounts.findById(step.params.accountId)
  if (account === undefined) throw new AppError('not_found', 'The account has been deleted meanwhile.')
  return account
}
