import { isAppError, now } from '@understudy/core'
import { systemActor } from '../access/access.ts'
import type { Control } from '../context.ts'
import type { Stores } from '../database.ts'
import { recordChange } from '../journal/record-change.ts'
import { bootDataContext } from '../shadows/boot-data.store.ts'
import type { BootDataKey } from '../shadows/boot-data.store.ts'
import { swapOrRepeat } from '../seen-version.ts'

const atOnce = 50
const actor = systemActor('master-key-rotation')

/**
 * Seals with the current master key whatever is sealed with another one: credentials of accounts, boot data of shadows elsewhere,
 * secrets of webhooks and keys that sign. A job of the service itself, run at every start; when it answers 0 the older keys may leave
 * the configuration. Throws when one cannot be
 * opened, because its key is gone already.
 */
export async function rotateMasterKey(control: Control): Promise<{ readonly resealed: number }> {
  let resealed = 0
  for (;;) {
    const batch = await control.database.stores.accounts.listSealedWithOtherKey(control.vault.masterKeyId, atOnce)
    for (const { id } of batch) resealed += await unlessChanged(control, (stores) => resealAccount(control, stores, id))
    if (batch.length < atOnce) break
  }
  for (;;) {
    const batch = await control.database.stores.bootData.listSealedWithOtherKey(control.vault.masterKeyId, atOnce)
    for (const key of batch) resealed += await control.database.transaction((stores) => resealBootData(control, stores, key))
    if (batch.length < atOnce) break
  }
  for await (const { projectId, id } of allWebhooks(control.database.stores)) {
    resealed += await unlessChanged(control, (stores) => resealWebhook(control, stores, projectId, id))
  }
  for (const { id } of await control.database.stores.signingKeys.list()) {
    resealed += await unlessChanged(control, (stores) => resealSigningKey(control, stores, id))
  }
  return { resealed }
}

/** Somebody who has just changed it has sealed it with the current key already, or is met again by the next start. */
async function unlessChanged(control: Control, work: (stores: Stores) => Promise<number>): Promise<number> {
  try {
    return await control.database.transaction(work)
  } catch (error) {
    if (isAppError(error, 'busy')) return 0
    throw error
  }
}

/** The version is raised with it: a change made from what was read before must not put the old secret back. */
async function resealAccount(control: Control, stores: Stores, id: string): Promise<number> {
  const account = await stores.accounts.findById(id)
  const sealed = await stores.accounts.credentials(id)
  if (account === undefined || sealed === undefined || sealed.masterKeyId === control.vault.masterKeyId) return 0
  await swapOrRepeat(stores.accounts.update({ ...account, updatedAt: now(control.clock), version: account.version + 1 }, account.version))
  await stores.accounts.setCredentials(id, control.vault.seal(control.vault.open(sealed, id), id))
  await recordChange(control, stores, {
    projectId: account.projectId,
    actor,
    what: 'accounts.credentials_resealed',
    subject: `accounts/${id}`,
    data: { masterKeyId: control.vault.masterKeyId },
  })
  return 1
}

async function resealBootData(control: Control, stores: Stores, key: BootDataKey): Promise<number> {
  const sealed = await stores.bootData.get(key)
  const resource = await stores.resources.findById(key.resourceId)
  if (sealed === undefined || resource === undefined || sealed.masterKeyId === control.vault.masterKeyId) return 0
  const context = bootDataContext(key)
  await stores.bootData.set(key, control.vault.seal(control.vault.open(sealed, context), context))
  await recordChange(control, stores, {
    projectId: resource.projectId,
    actor,
    what: 'resources.boot_data_resealed',
    subject: `resources/${resource.id}`,
    data: { accountId: key.accountId, masterKeyId: control.vault.masterKeyId },
  })
  return 1
}

async function resealWebhook(control: Control, stores: Stores, projectId: string, id: string): Promise<number> {
  const { vault } = control
  const endpoint = await stores.webhooks.find(projectId, id)
  const secrets = await stores.webhooks.secrets(id)
  if (endpoint === undefined || secrets === undefined) return 0
  if (secrets.current.masterKeyId === vault.masterKeyId && (secrets.previous?.masterKeyId ?? vault.masterKeyId) === vault.masterKeyId) return 0
  await swapOrRepeat(stores.webhooks.update({ ...endpoint, updatedAt: now(control.clock), version: endpoint.version + 1 }, endpoint.version))
  await stores.webhooks.setSecrets(id, {
    ...secrets,
    current: vault.seal(vault.open(secrets.current, id), id),
    previous: secrets.previous && vault.seal(vault.open(secrets.previous, id), id),
  })
  await recordChange(control, stores, {
    projectId,
    actor,
    what: 'notifications.secret_resealed',
    subject: `webhook-endpoints/${id}`,
    data: { masterKeyId: vault.masterKeyId },
  })
  return 1
}

/** Of the installation, and so of no project's audit trail. Nobody else changes it. */
async function resealSigningKey({ vault }: Control, stores: Stores, id: string): Promise<number> {
  const sealed = await stores.signingKeys.sealed(id)
  if (sealed === undefined || sealed.masterKeyId === vault.masterKeyId) return 0
  await stores.signingKeys.reseal(id, vault.seal(vault.open(sealed, id), id))
  return 1
}

async function* allWebhooks(stores: Stores): AsyncGenerator<{ readonly id: string; readonly projectId: string }> {
  for await (const project of pages((after) => stores.access.listProjects({ after, limit: atOnce }))) {
    yield* pages((after) => stores.webhooks.list(project.id, { after, limit: atOnce }))
  }
}

async function* pages<Item extends { readonly id: string }>(list: (after: string | undefined) => Promise<readonly Item[]>): AsyncGenerator<Item> {
  for (let after: string | undefined; ;) {
    const items = await list(after)
    yield* items
    const last = items.at(-1)
    if (last === undefined || items.length < atOnce) return
    after = last.id
  }
}
