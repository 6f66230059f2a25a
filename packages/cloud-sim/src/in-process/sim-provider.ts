import type { Provider, Traits } from '@understudy/provider'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { SimAdapter } from './adapter.ts'
import { simCompute } from './compute.ts'
import { EventQueue } from './event-queue.ts'
import { simDisks } from './disks.ts'
import { simInventory } from './inventory.ts'
import { simLabels } from './labels.ts'
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
}

/** Like EC2's: published buckets, two minutes of notice, hibernation decided at launch. */
const traits: Traits = {
  interruptionNotice: { supported: true, seconds: 120, bestEffort: true },
  resize: { supported: true, requires: 'stopped', spot: false },
  hold: { supported: true, enableAt: 'launch', withSpot: true, resizableWhileHeld: false, maxMemoryMiB: 150 * 1024 },
  stopOneTimeSpot: { supported: false, reason: 'EC2 stops a Spot Instance only when its request is persistent.' },
  rename: { supported: true, how: 'tag' },
  multiDiskSnapshot: { supported: true, maxDisks: 128, guarantee: 'always' },
  postponeMaintenance: { supported: false, reason: 'The port has no call that moves a scheduled event yet.' },
  expectedSeconds: { launch: 30, start: 25, resume: 20, shift: 1 },
  limits: {
    read: { capacity: 100, refillPerSecond: 20 },
    mutate: { capacity: 50, refillPerSecond: 5 },
    launch: { capacity: 5, refillPerSecond: 2 },
    start: { capacity: 1000, refillPerSecond: 2 },
    snapshot: { capacity: 100, refillPerSecond: 5 },
    tag: { capacity: 100, refillPerSecond: 10 },
    traffic: { capacity: 40, refillPerSecond: 10 },
  },
}

/** The port on a data centre in the same process, without wire or sockets: what a simulation in virtual time runs on. */
export function simProvider(dc: DataCentre, options: SimProviderOptions = {}): Provider {
  const scope = { provider: options.provider ?? 'sim', account: dc.accountId, region: dc.region }
  const adapter = new SimAdapter(dc, scope, options.installation ?? 'simulation')
  const queue = options.queue === false ? undefined : new EventQueue(dc)
  return {
    scope,
    traits: { ...traits, expectedSeconds: { ...traits.expectedSeconds, ...options.expectedSeconds } },
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
    disks: simDisks(adapter),
    signals: simSignals(adapter, queue),
    market: simMarket(adapter),
    portable: simPortable(adapter),
    async close() {
      queue?.close()
    },
  }
}
