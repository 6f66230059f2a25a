import { adapters, createProviders } from '@understudy/adapters'
import { simulatedAccessKeyId, simulatedSecretAccessKey } from '@understudy/cloud-sim'
import { masterKeys } from '@understudy/config'
import { aesGcmVault, bootstrap, createAccount, dnaHashOf, redactDna, rotateIngestKey } from '@understudy/control'
import type { Account, Control, Principal, Resource, Shadow, Tier } from '@understudy/control'
import { Secret, now, randomIds, systemClock, systemRandom } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import type { ResourceDna } from '@understudy/provider'
import type { Installation } from './installation.ts'
import type { SeededPair } from './protocol.ts'

export const credentials = { accessKeyId: simulatedAccessKeyId, secretAccessKey: simulatedSecretAccessKey }

/** The account, and the rows of services that were imported, protected and proven a moment ago. */
export interface Estate {
  readonly account: Account
  readonly ingestKey: string
  /** Resource id of each pair, in their order. */
  readonly resourceIds: readonly string[]
  readonly control: Control
  close(): Promise<void>
}

const tier: Tier = {
  shadows: 1,
  readiness: 'hot',
  zones: 'other',
  instanceType: undefined,
  purchase: 'spot',
  holdMemory: false,
  proofMaxAgeSeconds: 86_400,
  formerPrimary: 'terminate',
}
const insertsAtOnce = 12

/**
 * Writes the estate through the stores: thousands of imports and protections would take their time and are not what is measured. The
 * definition of the first instance is read from the region and stands for all, since all were launched alike.
 */
export async function createEstate(installation: Installation, pairs: readonly SeededPair[], limits: JsonObject | undefined): Promise<Estate> {
  const { region } = installation
  const clock = systemClock({ keepAlive: true })
  const database = openDatabase({ url: installation.databaseUrl, clock, poolMax: insertsAtOnce })
  const vault = aesGcmVault(masterKeys({ UNDERSTUDY_MASTER_KEY: new Secret(installation.masterKey), UNDERSTUDY_MASTER_KEYS_OLD: [] }))
  const name = 'understudy'
  const providers = createProviders({ adapters, accounts: () => database.stores.accounts, vault, installation: name, clock, random: systemRandom })
  const settings = { installation: name, armTtlMs: 60_000, webhookAllowedNetworks: [], idempotencyTtlMs: 86_400_000 }
  const control: Control = { database, clock, ids: randomIds, random: systemRandom, vault, providers, settings }
  const principal = await firstPrincipal(control)
  const account = await createAccount(control, principal, {
    name: 'simulated region',
    provider: 'aws',
    region: region.region,
    settings: { endpoint: region.url, eventsQueueUrl: region.eventsQueueUrl, ...(limits === undefined ? {} : { limits }) },
    credentials,
  })
  const { secret } = await rotateIngestKey(control, principal, { id: account.id })
  const dna = await describeFirst(control, account, pairs)
  const resourceIds = await insertAll(control, account, pairs, dna)
  return {
    ...{ account, ingestKey: secret, resourceIds, control },
    async close() {
      await providers.close()
      await database.close()
    },
  }
}

async function firstPrincipal(control: Control): Promise<Principal> {
  const made = await bootstrap(control.database, control.clock, control.ids)
  const [key] = made ? await control.database.stores.access.listKeys(made.projectId, { after: undefined, limit: 1 }) : []
  if (!made || !key) throw new Error('the database of a scenario is not empty')
  return { keyId: key.id, projectId: made.projectId, role: 'admin', name: key.name, installationAdmin: true }
}

async function describeFirst(control: Control, account: Account, [first]: readonly SeededPair[]): Promise<ResourceDna> {
  if (!first) throw new Error('a scenario without services measures nothing')
  const provider = await control.providers.open(account)
  const dna = await provider.inventory.describe({ ...provider.scope, nativeId: first.primaryId })
  if (!dna) throw new Error(`the region does not know ${first.primaryId}`)
  return redactDna(dna)
}

async function insertAll(control: Control, account: Account, pairs: readonly SeededPair[], template: ResourceDna): Promise<readonly string[]> {
  const { resources, shadows } = control.database.stores
  const at = now(control.clock)
  const common = { projectId: account.projectId, accountId: account.id, createdAt: at, updatedAt: at, version: 1 }
  const ids = pairs.map(() => control.ids.next('resource'))
  const waiting = [...pairs.entries()]
  const lane = async (): Promise<void> => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [index, pair] = next
      const id = ids[index] ?? ''
      const dna = { ...template, ref: { ...template.ref, nativeId: pair.primaryId }, nativeName: pair.name }
      await resources.insert(resourceRow({ ...common, id }, pair, dna))
      await shadows.insert(shadowRow({ ...common, id: control.ids.next('shadow'), resourceId: id }, pair, dna))
    }
  }
  await Promise.all(Array.from({ length: insertsAtOnce }, lane))
  return ids
}

type Common = Pick<Resource, 'id' | 'projectId' | 'accountId' | 'createdAt' | 'updatedAt' | 'version'>

const resourceRow = (common: Common, pair: SeededPair, dna: ResourceDna): Resource => ({
  ...common,
  ...{ name: pair.name, nativeId: pair.primaryId, zone: pair.primaryZone, labels: {}, traffic: pair.traffic },
  ...{ dna, dnaHash: dnaHashOf(dna), dnaAt: common.createdAt },
  ...{ tier, status: 'protected', hold: undefined, primaryEpoch: 1 },
})

const shadowRow = (common: Common & { readonly resourceId: string }, pair: SeededPair, dna: ResourceDna): Shadow => ({
  ...common,
  ...{ status: 'ready', nativeId: pair.shadowId, zone: pair.shadowZone, instanceType: pair.instanceType, purchase: 'spot', readiness: 'hot' },
  dnaFingerprint: dna.fingerprint,
  proof: { at: common.createdAt, method: 'health', seconds: 1, operationId: undefined },
  ...{ armedUntil: undefined, operationId: undefined, failures: 0, lastError: undefined },
})
