import { seedRegion, seedWebService, simProvider } from '@understudy/cloud-sim'
import { seededRandom, systemClock } from '@understudy/core'
import type { Adapter } from '@understudy/provider'

/** A cloud in this process, for the few routes that ask one before they answer. Its clock is the machine's: it answers by itself. */
export interface SimulatedCloud {
  readonly adapter: Adapter
  readonly region: string
  /** An instance with a root and a data disk; answers its id and the devices, the root first. */
  newInstance(): { readonly nativeId: string; readonly devices: readonly string[] }
  close(): void
}

export function simulatedCloud(): SimulatedCloud {
  const dc = seedRegion({ clock: systemClock(), random: seededRandom(5) })
  let made = 0
  return {
    adapter: {
      name: 'sim',
      validate: () => [],
      create: () => simProvider(dc, { installation: 'test', queue: false }),
      parse: () => ({ outcome: 'ignored', reason: 'nothing is pushed here' }),
    },
    region: dc.region,
    newInstance() {
      const { instance } = seedWebService(dc, { name: `web-${++made}`, purchase: 'on-demand' })
      const { instanceId, rootDeviceName, blockDevices } = instance
      const names = blockDevices.map(({ deviceName }) => deviceName)
      return { nativeId: instanceId, devices: names.toSorted((a, b) => Number(b === rootDeviceName) - Number(a === rootDeviceName)) }
    },
    close: () => dc.close(),
  }
}
