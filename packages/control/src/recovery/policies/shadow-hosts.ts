import { AppError } from '@understudy/core'
import type { Principal } from '../../access/access.ts'
import type { Control } from '../../context.ts'
import type { TransitionRule } from './policy.ts'

const accountsLookedAt = 1000

/**
 * Shadows on the group of hosts of their primary are refused where no account of the project is in a cloud whose groups are read. Whether a
 * resource is bound to one is known when its transition is near.
 */
export async function refuseImpossibleHosts(
  control: Pick<Control, 'database' | 'providers'>,
  principal: Principal,
  { transitions }: { readonly transitions?: TransitionRule | null | undefined },
): Promise<void> {
  if (transitions?.shadow !== 'same-group') return
  const reasons = new Set<string>()
  for (const account of await control.database.stores.accounts.list(principal.projectId, { after: undefined, limit: accountsLookedAt })) {
    const { hostGroups } = (await control.providers.open(account)).traits
    if (hostGroups.supported) return
    reasons.add(hostGroups.reason)
  }
  // Accounts may come later.
  if (reasons.size === 0) return
  const message = `cannot be kept: ${[...reasons].join(' ')} The nearest that can is separate.`
  throw new AppError('unsupported', 'No account of the project can have a shadow on the group of hosts of its primary. The nearest is separate.', {
    errors: [{ pointer: '/transitions/shadow', message }],
    details: { nearest: { transitions: { ...transitions, shadow: 'separate' } } },
  })
}
