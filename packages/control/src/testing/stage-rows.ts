import { contentHash, ownTags, randomIds } from '@understudy/core'
import type { VirtualClock } from '@understudy/core'
import type { CallContext, InstanceRef, Provider, TrafficBinding } from '@understudy/provider'
import { redactDna } from '../resources/redact.ts'
import type { Resource, Tier } from '../resources/resource.ts'
import type { LawBench } from './law-bench.ts'

export const installation = 'laws'

/** Of one simulated region. Answers its id. */
export async function insertAccount({ database, projectId }: LawBench, clock: VirtualClock, region: string): Promise<string> {
  const id = randomIds.next('account')
  const at = new Date(clock.nowMs())
  const sealed = { masterKeyId: 'laws', wrappedKey: 'AA==', wrapNonce: 'AA==', nonce: 'AA==', ciphertext: 'AA==' }
  await database.stores.accounts.insert(
    {
      ...{ id, projectId, name: id, provider: 'sim', nativeAccount: undefined, region, settings: {} },
      ...{ status: 'verified', verifiedAt: at, verification: undefined, ingestKeyHash: undefined, createdAt: at, updatedAt: at, version: 1 },
    },
    sealed,
  )
  return id
}

/** What the import of a primary leaves, with its tags in the cloud. */
export async function insertResource(
  { database, projectId }: LawBench,
  what: {
    readonly provider: Provider
    readonly primary: InstanceRef
    readonly accountId: string
    readonly binding: TrafficBinding
    readonly tier: Tier
    /** Lets virtual time pass until the work settles. */
    readonly run: <T>(work: Promise<T>) => Promise<T>
    readonly atMs: number
  },
): Promise<Resource> {
  const { provider, primary, accountId, binding, tier, run } = what
  const id = randomIds.next('resource')
  const tags = { [ownTags.managed]: 'true', [ownTags.installation]: installation, [ownTags.role]: 'primary', [ownTags.resource]: id }
  await run(provider.labels.tag([primary], tags, contextOf('import', tags)))
  const described = await run(provider.inventory.describe(primary))
  if (!described) throw new Error('the primary cannot be described')
  const dna = redactDna(described)
  const at = new Date(what.atMs)
  const resource: Resource = {
    ...{ id, projectId, accountId, name: 'web', nativeId: primary.nativeId, zone: primary.zone, labels: {} },
    ...{ dna, dnaHash: contentHash(dna), dnaAt: at, traffic: binding, tier, status: 'protected', hold: undefined },
    ...{ primaryEpoch: 1, createdAt: at, updatedAt: at, version: 1 },
  }
  await database.stores.resources.insert(resource)
  return resource
}

export const contextOf = (key: string, tags: CallContext['tags']): CallContext => ({
  idempotencyKey: contentHash(key).slice(0, 32),
  tags,
  actor: 'laws',
  priority: 'background',
})
