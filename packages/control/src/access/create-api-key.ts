import { notFound, now } from '@understudy/core'
import type { Control } from '../context.ts'
import { refuseInvalid, textErrors } from '../fields.ts'
import { recordChange } from '../journal/record-change.ts'
import { actorOf } from './access.ts'
import type { ApiKey, Principal, Role } from './access.ts'
import { requireRole } from './require-role.ts'
import { hashOfSecretKey, newSecretKey, shownPartOf } from './secret-key.ts'

/**
 * Makes a key for the caller's project, or, with the key of the installation, for any project. The secret is answered once and
 * kept nowhere. Needs `admin`.
 */
export async function createApiKey(
  control: Control,
  principal: Principal,
  input: {
    readonly name: string
    readonly role: Role
    readonly groups?: readonly string[] | undefined
    readonly expiresAt?: Date | undefined
    readonly projectId?: string | undefined
  },
): Promise<{ readonly key: ApiKey; readonly secret: string }> {
  requireRole(principal, 'admin')
  const projectId = input.projectId ?? principal.projectId
  if (projectId !== principal.projectId && !principal.installationAdmin) throw notFound('project')
  const isPast = input.expiresAt !== undefined && input.expiresAt <= now(control.clock)
  refuseInvalid([...textErrors('/name', input.name, 200), ...(isPast ? [{ pointer: '/expiresAt', message: 'must be in the future' }] : [])])
  const { key, secret, hash } = newApiKey(control, {
    projectId,
    name: input.name,
    role: input.role,
    installationAdmin: false,
    groups: input.groups ?? [],
    expiresAt: input.expiresAt,
  })
  await control.database.transaction(async (stores) => {
    if ((await stores.access.findProject(projectId)) === undefined) throw notFound('project')
    await stores.access.insertKey(key, hash)
    await recordChange(control, stores, {
      projectId,
      actor: actorOf(principal),
      what: 'access.key_created',
      subject: `api-keys/${key.id}`,
      data: { name: key.name, role: key.role, groups: key.groups, expiresAt: key.expiresAt?.toISOString() },
    })
  })
  return { key, secret }
}

/** A key, its secret, and the hash that is stored of it. Writes nothing. */
export function newApiKey(
  control: Pick<Control, 'clock' | 'ids'>,
  facts: Pick<ApiKey, 'projectId' | 'name' | 'role' | 'installationAdmin' | 'groups' | 'expiresAt'>,
): { readonly key: ApiKey; readonly secret: string; readonly hash: string } {
  const secret = newSecretKey('usk')
  const key: ApiKey = {
    id: control.ids.next('apiKey'),
    ...facts,
    prefix: shownPartOf(secret),
    createdAt: now(control.clock),
    lastUsedAt: undefined,
    revokedAt: undefined,
  }
  return { key, secret, hash: hashOfSecretKey(secret) }
}
