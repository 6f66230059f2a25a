import { adapters, createProviders } from '@understudy/adapters'
import { masterKeys } from '@understudy/config'
import { aesGcmVault, refusedForEndpoint } from '@understudy/control'
import type { Control } from '@understudy/control'
import { randomIds, systemClock, systemRandom } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { withCircuitBreaker, withMetrics, withRateLimit } from '@understudy/provider'
import { openQueue } from '@understudy/queue'
import type { OpenQueue } from '@understudy/queue'
import type { Logger, Metrics } from '@understudy/telemetry'
import type { Config } from './config.ts'
import { observeCall } from './metrics.ts'

export interface Composition {
  readonly control: Control
  readonly queue: OpenQueue
  /** In the reverse order of opening. */
  close(): Promise<void>
}

/** Wires what the configuration names: database, vault, clouds, queue. Throws when the database does not answer. */
export async function compose(config: Config, { logger, metrics }: { readonly logger: Logger; readonly metrics: Metrics }): Promise<Composition> {
  const clock = systemClock({ keepAlive: true })
  const random = systemRandom
  const database = openDatabase({ url: config.DATABASE_URL.reveal(), poolMax: config.DATABASE_POOL_MAX, clock })
  await database.ping()
  const vault = aesGcmVault(masterKeys(config))
  const providers = createProviders({
    adapters,
    accounts: () => database.stores.accounts,
    vault,
    installation: config.INSTALLATION,
    clock,
    random,
    guard: refusedForEndpoint,
    decorate: (provider) =>
      withMetrics(withCircuitBreaker(withRateLimit(provider, { clock }), { clock }), { clock, observe: (call) => observeCall(metrics, call) }),
  })
  const settings = {
    installation: config.INSTALLATION,
    publicUrl: config.PUBLIC_URL,
    armTtlMs: config.ARM_TTL_SECONDS * 1000,
    webhookAllowedNetworks: config.WEBHOOK_ALLOWED_NETWORKS,
    idempotencyTtlMs: 24 * 60 * 60 * 1000,
  }
  const backend =
    config.REDIS_URL === undefined ? ({ kind: 'postgres', url: config.DATABASE_URL } as const) : ({ kind: 'redis', url: config.REDIS_URL } as const)
  const queue = await openQueue({ backend, clock, prefix: config.INSTALLATION, onError: (error) => logger.warn('queue_error', { error }) })
  return {
    control: { database, clock, ids: randomIds, random, vault, providers, settings },
    queue,
    async close() {
      await queue.close()
      await providers.close()
      await database.close()
    },
  }
}
