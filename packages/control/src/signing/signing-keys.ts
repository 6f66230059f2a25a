import { now } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireInstallationAdmin, requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { recordChange } from '../journal/record-change.ts'
import { newSigningKey } from './sign.ts'
import type { SigningKey } from './signing-key.ts'

/** The public keys of the service, the retired ones too: what they have signed can still be verified. */
export async function listSigningKeys(control: Control, principal: Principal): Promise<readonly SigningKey[]> {
  requireRole(principal, 'viewer')
  return control.database.stores.signingKeys.list()
}

/** Signs with a new key from now on. The former one is kept: its public half is needed as long as anything it has signed. */
export async function rotateSigningKey(control: Control, principal: Principal): Promise<SigningKey> {
  requireInstallationAdmin(principal)
  const { key, sealed } = newSigningKey(control)
  await control.database.transaction(async (stores) => {
    const former = await stores.signingKeys.current()
    if (former !== undefined) await stores.signingKeys.retire(former.key.id, now(control.clock))
    await stores.signingKeys.insert(key, sealed)
    await recordChange(control, stores, {
      projectId: principal.projectId,
      actor: actorOf(principal),
      what: 'signing_keys.rotated',
      subject: `signing-keys/${key.id}`,
      data: { former: former?.key.id ?? null },
    })
  })
  return key
}
