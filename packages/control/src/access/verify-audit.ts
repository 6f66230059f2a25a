import type { Control } from '../context.ts'
import { checkChain, genesisHash } from '../journal/chain.ts'
import type { Principal } from './access.ts'
import { requireRole } from './require-role.ts'

const readAtOnce = 1000

/**
 * Recomputes the whole hash chain of the caller's project. `checked` counts the entries that fit; `brokenAt` is the sequence of
 * the first that does not. An end that was cut off cannot be seen from the chain alone: keep the last hash elsewhere for that.
 */
export async function verifyAudit(
  control: Control,
  principal: Principal,
  _input: object = {},
): Promise<{ readonly ok: boolean; readonly checked: number; readonly brokenAt?: number; readonly lastHash: string }> {
  requireRole(principal, 'admin')
  let lastHash = genesisHash
  let checked = 0
  for (let after = 0; ;) {
    const entries = await control.database.stores.audit.list(principal.projectId, { after, limit: readAtOnce })
    const last = entries.at(-1)
    if (last === undefined) return { ok: true, checked, lastHash }
    const result = checkChain(lastHash, entries)
    if (!result.ok) return { ok: false, checked: checked + entries.indexOf(result.brokenAt), brokenAt: result.brokenAt.sequence, lastHash }
    lastHash = result.hash
    checked += entries.length
    after = last.sequence
  }
}
