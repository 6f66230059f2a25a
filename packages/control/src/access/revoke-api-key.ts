import { AppError, notFound, now } from '@understudy/core'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { actorOf } from './access.ts'
import type { ApiKey, Principal } from './access.ts'
import { requireRole } from './require-role.ts'

/** Ends a key at once. One that is revoked already stays as it is. The key of the installation cannot be made again and therefore not be revoked. Needs `admin`. */
export async function revokeApiKey(control: Control, principal: Principal, input: { readonly id: string }): Promise<ApiKey> {
  requireRole(principal, 'admin')
  return control.database.transaction(async (stores) => {
    const key = await stores.access.findKey(principal.projectId, input.id)
    if (key === undefined) throw notFound('API key')
    if (key.revokedAt !== undefined) return key
    if (key.installationAdmin)
      throw new AppError('conflict', 'This is the key of the installation: nobody could make projects after it. Keep it offline instead.')
    const at = now(control.clock)
    if (await stores.access.revokeKey(principal.projectId, key.id, at)) {
      await recordChange(control, stores, {
        projectId: principal.projectId,
        actor: actorOf(principal),
        what: 'access.key_revoked',
        subject: `api-keys/${key.id}`,
        data: { name: key.name },
      })
    }
    return { ...key, revokedAt: at }
  })
}
