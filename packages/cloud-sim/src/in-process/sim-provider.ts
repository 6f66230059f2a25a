import type { Provider, Traits } from '@understudy/provider'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { SimAdapter } from './adapter.ts'
import { simBlocks } from './blocks.ts'
import { simCopies } from './copies.ts'
import { simCommands } from './commands.ts'
import { simCompute } from './compute.ts'
import { EventQueue } from './event-queue.ts'
import { simDisks } from './disks.ts'
import { simInventory } from './inventory.ts'
import { simIsolation } from './isolation.ts'
import { simLeftovers } from './leftovers.ts'
import { simLabels } from './labels.ts'
import { likenessOf, type Model, without } from './likeness.ts'
import { simMarket } from './market.ts'
import { simPortable } from './portable.ts'
import { simSignals } from './signals.ts'
import { simSnapshots } from './snapshots.ts'
import { simTraffic } from './traffic.ts'

export interface SimProviderOptions {
  /** Name in `scope.provider`. Default: `sim`. */
  readonly provider?: string
  /** Written on everything created. Default: `simulation`. */
  readonly installation?: string
  /** Whether the event bus has a queue to poll (`signals.receive`). Default: true. */
  readonly queue?: boolean
  readonly expectedSeconds?: Partial<Traits['expectedSeconds']>
  /** The adapter's provider whose traits, mechanisms and gaps this one shall have. Default: EC2's. */
  readonly like?: Model
}

/** The port on a data centre in the same process, without wire or sockets: what a simulation in virtual time runs on. */
export function simProvider(dc: DataCentre, options: SimProviderOptions = {}): Provider {
  const scope = { provider: options.provider ?? 'sim', account: dc.accountId, region: dc.region }
  const likeness = likenessOf(options.like)
  const adapter = new SimAdapter(dc, scope, options.installation ?? 'simulation', likeness)
  const queue = options.queue === false ? undefined : new EventQueue(dc)
  return without(options.like, {
    scope,
    traits: { ...likeness.traits, expectedSeconds: { ...likeness.traits.expectedSeconds, ...options.expectedSeconds } },
    identify: ({ signal } = {}) =>
      adapter.call(
        'GetCallerIdentity',
        () => ({ account: dc.accountId, principal: `arn:aws:iam::${dc.accountId}:user/understudy` }),
        { effect: 'read' },
        signal,
      ),
    inventory: simInventory(adapter),
    compute: simCompute(adapter),
    labels: simLabels(adapter),
    traffic: simTraffic(adapter),
    snapshots: simSnapshots(adapter),
    blocks: simBlocks(adapter),
    copies: simCopies(adapter),
    disks: simDisks(adapter),
    isolation: simIsolation(adapter),
    commands: simCommands(adapter),
    leftovers: simLeftovers(adapter),
    signals: simSignals(adapter, queue),
    market: simMarket(adapter),
    portable: simPortable(adapter),
    async close() {
      queue?.close()
    },
  })
}
