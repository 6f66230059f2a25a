import { ownTags, randomIds } from '@understudy/core'
import { awaitOperation } from '../cloud/await-operation.ts'
import type { RecoveryPoint } from '../recovery/recovery-point.ts'
import { diskKey } from '../recovery/restored-disks/restored-disk.ts'
import type { RestoredDisk } from '../recovery/restored-disks/restored-disk.ts'
import { keptPoint } from './kept-point.ts'
import type { Stage } from './stage.ts'

export const volumesOf = ({ dc, primary }: Stage) =>
  dc.instances.get(primary.nativeId)!.blockDevices.map(({ deviceName, volumeId }) => ({ deviceName, volumeId }))

/** A point whose data disk holds 5, while the present one holds 9. */
export async function aPoint(stage: Stage): Promise<RecoveryPoint> {
  const volumes = volumesOf(stage)
  for (const { volumeId } of volumes) stage.dc.blocks.write(volumeId, 0, Uint8Array.of(5))
  const point = await keptPoint(stage)
  for (const { volumeId } of volumes) stage.dc.blocks.write(volumeId, 0, Uint8Array.of(9))
  return point
}

/** Before anything is made. */
export async function insertRow(stage: Stage, point: RecoveryPoint): Promise<RestoredDisk> {
  const { deps, resource, clock, dc, primary } = stage
  const at = new Date(clock.nowMs())
  const { device } = point.manifest!.disks.members.find(({ role }) => role === 'data')!
  const row: RestoredDisk = {
    ...{ id: randomIds.next('restoredDisk'), projectId: resource.projectId, resourceId: resource.id, accountId: resource.accountId },
    ...{ pointId: point.id, device, instance: primary.nativeId, zone: dc.instances.get(primary.nativeId)!.zone, status: 'restoring' },
    ...{ disk: undefined, place: undefined, readOnly: false, reason: 'the laws', requestedBy: 'system:laws', operationId: 'op_laws' },
    ...{ expiresAt: new Date(at.getTime() + 3_600_000), cleanedAt: undefined, createdAt: at, updatedAt: at, version: 1 },
  }
  await deps.database.stores.restoredDisks.insert(row)
  return row
}
/** As the saga makes it, with its row. */
export async function plugIn(stage: Stage, row: RestoredDisk, point: RecoveryPoint): Promise<void> {
  const { provider, clock, deps } = stage
  const signal = new AbortController().signal
  await stage.drive(
    (async () => {
      const tags = { [ownTags.managed]: 'true', [ownTags.restoredDisk]: row.id }
      const context = { idempotencyKey: diskKey(row), tags, actor: 'laws', priority: 'background' } as const
      const to = { zone: row.zone, devices: [row.device] }
      const handle = await provider.snapshots!.materialise({ setId: point.manifest!.disks.set }, to, context)
      const [disk] = await awaitOperation({ clock }, provider, handle, signal)
      let place: string | undefined
      while (place === undefined) {
        const plugged = await provider.disks!.plug(stage.primary, disk!, { readOnly: false }, context)
        place = plugged.settled ? plugged.deviceKey : undefined
        await new Promise<void>((resolve) => clock.schedule(1000, resolve))
      }
      await deps.database.stores.restoredDisks.update({ ...row, status: 'attached', disk: disk!.nativeId, place }, row.version)
    })(),
  )
}
