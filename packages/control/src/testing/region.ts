import { seedRegion, seedWebService, simProvider } from '@understudy/cloud-sim'
import type { DataCentre } from '@understudy/cloud-sim'
import { randomIds, seededRandom } from '@understudy/core'
import type { VirtualClock } from '@understudy/core'
import type { Provider } from '@understudy/provider'
import type { LawWorld } from '@understudy/testing/saga-laws'
import type { Account } from '../accounts/account.ts'
import type { SagaDeps } from '../context.ts'
import type { LawBench } from './law-bench.ts'
import { simProber } from './sim-prober.ts'
import { testSigner } from './test-signer.ts'

/** A simulated region and an account on it, before anything was imported. */
export interface Region {
  readonly clock: VirtualClock
  readonly dc: DataCentre
  readonly provider: Provider
  readonly deps: SagaDeps
  readonly account: Account
  /** A running instance with these tags; answers its id. */
  newInstance(name: string, tags?: Readonly<Record<string, string>>): string
  /** Ties a world for the laws. */
  world(parts: Pick<LawWorld<SagaDeps>, 'params' | 'expectDone' | 'expectCleanSlate'>): LawWorld<SagaDeps>
}

export async function openRegion(bench: LawBench): Promise<Region> {
  const clock = bench.startClock()
  const { database } = bench
  const dc = seedRegion({ clock, random: seededRandom(11) })
  const provider = simProvider(dc, { installation: 'laws' })
  const account = newAccount(bench.projectId, dc.region, new Date(clock.nowMs()))
  await database.stores.accounts.insert(account, { masterKeyId: 'laws', wrappedKey: '', wrapNonce: '', nonce: '', ciphertext: '' })
  const deps: SagaDeps = {
    database,
    clock,
    ids: randomIds,
    settings: { installation: 'laws', armTtlMs: 60_000, webhookAllowedNetworks: [], idempotencyTtlMs: 86_400_000 },
    vault: { open: () => '' },
    openProvider: () => Promise.resolve(provider),
    prober: simProber(dc),
    signer: testSigner(database, clock),
  }
  return {
    clock,
    dc,
    provider,
    deps,
    account,
    newInstance(name, tags = {}) {
      const { instance } = seedWebService(dc, { name, tags })
      clock.advance(120_000)
      return instance.instanceId
    },
    world: (parts) => ({ ...parts, deps, clock, settle: () => bench.inFlight.settle(), close: () => dc.close() }),
  }
}

const newAccount = (projectId: string, region: string, at: Date): Account => ({
  id: randomIds.next('account'),
  projectId,
  name: 'laws',
  provider: 'sim',
  nativeAccount: undefined,
  region,
  settings: {},
  status: 'unverified',
  verifiedAt: undefined,
  verification: undefined,
  ingestKeyHash: undefined,
  createdAt: at,
  updatedAt: at,
  version: 1,
})
