import { assert, notFound, now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { swapOrRepeat } from '../seen-version.ts'
import { newWebhookSecret } from './sign.ts'

/** How long deliveries carry a signature of the secret before as well. */
const overlapMs = 24 * 3_600_000

/** A new signing secret, answered once. For a day deliveries are signed with the one before too. Needs `admin`. */
export async function rotateWebhookSecret(
  control: Control,
  principal: Principal,
  input: { readonly id: string },
): Promise<{ readonly secret: string; readonly previousUntil: Date }> {
  requireRole(principal, 'admin')
  const secret = newWebhookSecret()
  const previousUntil = new Date(now(control.clock).getTime() + overlapMs)
  await control.database.transaction(async (stores) => {
    const endpoint = await stores.webhooks.find(principal.projectId, input.id)
    if (endpoint === undefined) throw notFound('webhook endpoint')
    const secrets = await stores.webhooks.secrets(endpoint.id)
    assert(secrets !== undefined, 'every webhook endpoint has a secret')
    // Of two rotations at once one is refused: otherwise a secret that was answered would sign nothing.
    await swapOrRepeat(stores.webhooks.update({ ...endpoint, updatedAt: now(control.clock), version: endpoint.version + 1 }, endpoint.version))
    await stores.webhooks.setSecrets(endpoint.id, { current: control.vault.seal(secret, endpoint.id), previous: secrets.current, previousUntil })
    await recordChange(control, stores, {
      projectId: endpoint.projectId,
      actor: actorOf(principal),
      what: 'notifications.secret_rotated',
      subject: `webhook-endpoints/${endpoint.id}`,
      data: { previousUntil: previousUntil.toISOString() },
    })
  })
  return { secret, previousUntil }
}
