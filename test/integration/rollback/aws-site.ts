import { vi } from 'vitest'
import type { World } from '../world.ts'
import type { Site } from './site.ts'

/** The world's own region as a site, for its own account: what is looked at from outside is the data centre itself. */
export function awsSite(world: World): Pick<Site, 'dataCentre' | 'make' | 'instanceIdOf' | 'attachments' | 'snapshotIdOf' | 'lose' | 'close'> {
  const { dataCentre } = world.sim
  const instance = (nativeId: string) => dataCentre.instances.get(nativeId)!
  return {
    dataCentre,
    async make(name) {
      const { instanceId } = await world.seed(name, { purchase: 'on-demand' })
      const { storage } = dataCentre
      const { volumeId } = storage.createVolume({ zone: instance(instanceId).zone, sizeGiB: 1 })
      await vi.waitUntil(() => storage.getVolume(volumeId)?.state === 'available', { timeout: 150_000 })
      storage.attach({ volumeId, instanceId, device: '/dev/sdg' })
      await vi.waitUntil(() => storage.getVolume(volumeId)?.attachment?.state === 'attached', { timeout: 150_000 })
      return instanceId
    },
    instanceIdOf: (nativeId) => nativeId,
    attachments: (nativeId) =>
      instance(nativeId)
        .blockDevices.toSorted((a, b) => (a.deviceName < b.deviceName ? -1 : 1))
        .map(({ deviceName: device, volumeId, deleteOnTermination: deletes }) => ({ device, volumeId, deletes })),
    snapshotIdOf: (member) => member,
    lose: async (member) => dataCentre.storage.deleteSnapshot(member),
    close: () => Promise.resolve(),
  }
}
