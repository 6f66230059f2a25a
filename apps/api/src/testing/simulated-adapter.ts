import { seedRegion, seedWebService, simProvider } from '@understudy/cloud-sim'
import { awaitCondition, awaitOperation } from '@understudy/control'
import { randomIds, seededRandom, systemClock } from '@understudy/core'
import type { Adapter, SnapshotSet } from '@understudy/provider'

/** A cloud in this process, for the few routes that ask one before they answer. Its clock is the machine's: it answers by itself. */
export interface SimulatedCloud {
  readonly adapter: Adapter
  readonly region: string
  /** An instance with a root and a data disk, and a set of snapshots of them. */
  newInstance(): Promise<{ readonly nativeId: string; readonly set: SnapshotSet }>
  close(): void
}

export function simulatedCloud(): SimulatedCloud {
  const clock = systemClock()
  const dc = seedRegion({ clock, random: seededRandom(5), latencies: { pending: 0, volumeCreate: 0, snapshot: 0 } })
  let made = 0
  return {
    adapter: {
      name: 'sim',
      validate: () => [],
      create: () => simProvider(dc, { installation: 'test', queue: false }),
      parse: () => ({ outcome: 'ignored', reason: 'nothing is pushed here' }),
    },
    region: dc.region,
    async newInstance() {
      const nativeId = seedWebService(dc, { name: `web-${++made}`, purchase: 'on-demand' }).instance.instanceId
      const provider = simProvider(dc, { installation: 'test', queue: false })
      const setId = randomIds.next('event')
      const context = { idempotencyKey: setId, tags: {}, actor: 'test', priority: 'background' } as const
      const signal = new AbortController().signal
      const ref = { ...provider.scope, nativeId }
      await awaitCondition({ clock }, signal, async () => (await provider.inventory.states([ref])).get(nativeId)?.state === 'running' || undefined)
      const capture = provider.snapshots!.capture(ref, context)
      await awaitOperation({ clock }, provider, await capture, signal)
      const set = await provider.snapshots!.get({ setId })
      if (set === undefined) throw new Error('the set was kept and is gone')
      return { nativeId, set }
    },
    close: () => dc.close(),
  }
}
