import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, DiskPlace, DiskRef, Disks, InstanceRef, Plugged } from '@understudy/provider'
import { nextMoves } from '@understudy/provider/adapter-kit'
import type { DiskMove, Plug } from '@understudy/provider/adapter-kit'
import type { Adapter } from './adapter.ts'
import { diskIdOf, diskRef } from './adapter.ts'
import type { Disk, Instance, Operation } from './clients.ts'
import { untilDone } from './handles.ts'
import { existing, unlessGone } from './instance-reader.ts'
import { idOf, nativeStateOf, powerStateOf, zoneOf } from './instance-state.ts'
import { diskUrl, requestIdOf } from './names.ts'
import { repeatSafely } from './repeat.ts'

/**
 * Persistent disks of a stopped instance. Google has no exchange of a boot disk: it leaves, and another one comes under the same device
 * name (https://cloud.google.com/compute/docs/disks/detach-reattach-boot-disk).
 */
export function gcpDisks(adapter: Adapter): Disks {
  return {
    arrange: (ref, places, context) => arrange(adapter, ref, places, context),
    plug: (ref, disk, { readOnly }, context) => plug(adapter, ref, disk, readOnly, context),
    unplug: (ref, disk, context) => unplug(adapter, ref, disk, context),
  }
}

async function plug(adapter: Adapter, ref: InstanceRef, { nativeId }: DiskRef, readOnly: boolean, context: CallContext): Promise<Plugged> {
  const instance = await existing(adapter, ref, context)
  const zone = zoneOf(instance)
  const found = await needDisk(adapter, nativeId, zone)
  const [name, id] = [found.name ?? '', String(found.id ?? '')]
  const present = attachmentsOf(instance).find((attachment) => attachment.name === name)
  if (present !== undefined) return { settled: true, deviceKey: present.deviceName, inGuest: [`/dev/disk/by-id/google-${present.deviceName}`] }
  const slot = { zone, instance: idOf(instance), deviceName: `beside-${id}` }
  const requested = { requestId: requestIdOf(context.idempotencyKey, `plug ${slot.instance} ${id}`), signal: context.signal }
  const mode = readOnly ? ('READ_ONLY' as const) : ('READ_WRITE' as const)
  const disk = { source: diskUrl(adapter.scope.account, zone, name), boot: false, autoDelete: false, mode }
  await untilDone(adapter, await repeatSafely(adapter, () => adapter.calls.attachDisk(slot, disk, requested), context.signal), context.signal)
  return { settled: false }
}

async function unplug(adapter: Adapter, ref: InstanceRef, disk: DiskRef, context: CallContext): Promise<{ readonly settled: boolean }> {
  const instance = await goneIsNothing(existing(adapter, ref, context))
  const present = instance === undefined ? undefined : await goneIsNothing(needDisk(adapter, disk.nativeId, zoneOf(instance)))
  if (instance === undefined || present === undefined) return { settled: true }
  const attachment = attachmentsOf(instance).find(({ name }) => name === present.name)
  if (attachment === undefined) return { settled: true }
  const slot = { zone: zoneOf(instance), instance: idOf(instance), deviceName: attachment.deviceName }
  const requested = { requestId: requestIdOf(context.idempotencyKey, `unplug ${slot.instance} ${disk.nativeId}`), signal: context.signal }
  await untilDone(adapter, await repeatSafely(adapter, () => adapter.calls.detachDisk(slot, requested), context.signal), context.signal)
  return { settled: false }
}

async function goneIsNothing<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found
  } catch (error) {
    if (isProviderError(error, 'not_found')) return undefined
    throw error
  }
}

async function arrange(
  adapter: Adapter,
  ref: InstanceRef,
  places: readonly DiskPlace[],
  context: CallContext,
): Promise<{ readonly settled: boolean }> {
  const instance = await existing(adapter, ref, context)
  if (powerStateOf(instance) !== 'stopped') {
    throw providerError('conflict', 'resourceNotReady', `${instance.name} is ${nativeStateOf(instance)}: its disks are exchanged when it is stopped.`)
  }
  const disks = new Map<string, Disk>()
  for (const { disk } of places) disks.set(disk.nativeId, await needDisk(adapter, disk.nativeId, zoneOf(instance)))
  const change: Change = { adapter, instance, places, disks, context }
  const { settled, moves } = nextMoves(places, await plugsOf(change))
  for (const move of firstBoot(change, moves)) await make(change, move)
  return { settled }
}

interface Change {
  readonly adapter: Adapter
  readonly instance: Instance
  readonly places: readonly DiskPlace[]
  /** Those that the places name, by their ids. */
  readonly disks: ReadonlyMap<string, Disk>
  readonly context: CallContext
}

async function needDisk({ calls, scope }: Adapter, nativeId: string, zone: string): Promise<Disk> {
  const id = diskIdOf({ ...scope, nativeId })
  const disk = id === undefined || !/^[1-9]\d{0,19}$/.test(id) ? undefined : await unlessGone(calls.getDisk(zone, id))
  if (disk === undefined) throw providerError('not_found', 'notFound', `There is no disk ${nativeId} in ${zone} (any more).`)
  return disk
}

/** Attachments name disks, and the port numbers: the wanted ones are known, and others are read. */
async function plugsOf({ adapter, instance, disks }: Change): Promise<readonly Plug[]> {
  const ids = new Map([...disks].map(([nativeId, { name }]) => [name ?? '', nativeId]))
  const zone = zoneOf(instance)
  return await Promise.all(
    attachmentsOf(instance).map(async ({ name, deviceName, autoDelete }): Promise<Plug> => {
      const disk = ids.has(name) ? undefined : await unlessGone(adapter.calls.getDisk(zone, name))
      const diskId = ids.get(name) ?? diskRef(adapter.scope, String(disk?.id ?? ''), zone).nativeId
      return { deviceKey: deviceName, diskId, state: 'plugged', deleteWithInstance: autoDelete }
    }),
  )
}

const attachmentsOf = ({ disks }: Instance) =>
  (disks ?? []).flatMap(({ source, deviceName, boot, autoDelete }) =>
    source
      ? [{ name: source.slice(source.lastIndexOf('/') + 1), deviceName: deviceName ?? '', boot: boot ?? false, autoDelete: autoDelete ?? false }]
      : [],
  )

/**
 * The boot disk is exchanged alone, and before all others: nothing remembers which place it had once it has left, but as long as
 * every other place has its disk, the empty one is that.
 */
function firstBoot({ instance, places }: Change, moves: readonly DiskMove[]): readonly DiskMove[] {
  const bootKey = bootKeyOf(instance, places)
  const ofBoot = moves.filter(({ deviceKey }) => deviceKey === bootKey)
  return ofBoot.length > 0 ? ofBoot : moves
}

function bootKeyOf(instance: Instance, places: readonly DiskPlace[]): string | undefined {
  const attached = attachmentsOf(instance)
  const present = attached.find(({ boot }) => boot)
  return present?.deviceName ?? places.find(({ deviceKey }) => !attached.some(({ deviceName }) => deviceName === deviceKey))?.deviceKey
}

async function make({ adapter, instance, places, disks, context }: Change, move: DiskMove): Promise<void> {
  const { calls, scope } = adapter
  const slot = { zone: zoneOf(instance), instance: idOf(instance), deviceName: move.deviceKey }
  const requested = (step: string) => ({
    requestId: requestIdOf(context.idempotencyKey, `${step} ${slot.instance} ${slot.deviceName}`),
    signal: context.signal,
  })
  const done = async (call: () => Promise<Operation>): Promise<void> =>
    await untilDone(adapter, await repeatSafely(adapter, call, context.signal), context.signal)
  switch (move.move) {
    case 'unplug':
      await done(() => calls.detachDisk(slot, requested(`detach ${move.diskId}`)))
      return
    case 'plug': {
      const source = diskUrl(scope.account, slot.zone, disks.get(move.diskId)?.name ?? '')
      const boot = bootKeyOf(instance, places) === move.deviceKey
      const autoDelete = places.find(({ deviceKey }) => deviceKey === move.deviceKey)?.deleteWithInstance ?? false
      await done(() => calls.attachDisk(slot, { source, boot, autoDelete }, requested(`attach ${move.diskId}`)))
      return
    }
    case 'keep':
    case 'let-go':
      await done(() => calls.setDiskAutoDelete(slot, move.move === 'let-go', requested(move.move)))
  }
}
