import type { Json, JsonObject } from '@understudy/core'
import { canonicalJson } from '@understudy/core'
import { fingerprintOf } from '@understudy/provider'
import type { DiskDna, NicDna, ResourceDna, Scope } from '@understudy/provider'
import { diskRef, instanceRef } from './adapter.ts'
import type { Disk, Instance } from './clients.ts'
import { originOf } from './disk-notes.ts'
import { hostGroupOf, nativePlacement } from './host-groups.ts'
import type { PlacementPolicy } from './host-groups.ts'
import { idOf, nativeStateOf, powerStateOf, purchaseOf, typeOf, zoneOf } from './instance-state.ts'
import { nameTag, readLabels } from './label-text.ts'
import type { MachineSize } from './machine-types.ts'
import { lastPart } from './names.ts'

export interface DescribedInstance {
  readonly instance: Instance
  /** The disks attached, by the URL under which the instance names them. */
  readonly disks: ReadonlyMap<string, Disk>
  readonly size: MachineSize | undefined
  readonly placementPolicy: PlacementPolicy | undefined
}

/** The complete definition, from everything Compute Engine was asked. Pure. */
export function dnaOf(scope: Scope, { instance, disks, size, placementPolicy }: DescribedInstance): ResourceDna {
  const tags = readLabels(instance.labels)
  const attached = disksOf(scope, instance, disks)
  const boot = bootDiskOf(instance, disks)
  const userData = metadataText(instance)
  const { statusMessage } = instance
  const hostGroup = hostGroupOf(instance, placementPolicy)
  const identity = instance.serviceAccounts?.[0]?.email
  const image = boot === undefined ? undefined : originOf(boot).image
  const dna: Omit<ResourceDna, 'fingerprint'> = {
    dnaVersion: 1,
    ref: instanceRef(scope, idOf(instance), zoneOf(instance)),
    nativeName: tags[nameTag] ?? instance.name ?? idOf(instance),
    state: powerStateOf(instance),
    nativeState: nativeStateOf(instance),
    ...(statusMessage ? { stateReason: { code: nativeStateOf(instance), message: statusMessage } } : {}),
    ...(image === undefined ? {} : { image }),
    os: { family: isWindows(boot) ? 'windows' : 'linux', arch: boot?.architecture === 'ARM64' ? 'arm64' : 'x86_64' },
    size: { type: typeOf(instance), vcpus: size?.vcpus ?? 0, memoryMiB: size?.memoryMiB ?? 0 },
    purchase: purchaseOf(instance),
    ...(purchaseOf(instance) === 'spot'
      ? { spot: { onInterruption: instance.scheduling?.instanceTerminationAction === 'DELETE' ? ('terminate' as const) : ('stop' as const) } }
      : {}),
    disks: attached,
    nics: nicsOf(instance),
    ...(identity ? { identity } : {}),
    ...(userData === undefined ? {} : { userData }),
    tags,
    placement: { zone: zoneOf(instance), ...(hostGroup === undefined ? {} : { hostGroup }) },
    protection: { terminate: instance.deletionProtection ?? false, stop: false },
    holdEnabled: true,
    native: nativeOf(instance, placementPolicy),
    unknowable: [],
  }
  return { ...dna, fingerprint: fingerprintOf(dna) }
}

const isWindows = (boot: Disk | undefined): boolean => boot?.guestOsFeatures?.some(({ type }) => type === 'WINDOWS') ?? false

const bootDiskOf = (instance: Instance, disks: ReadonlyMap<string, Disk>): Disk | undefined =>
  disks.get(instance.disks?.find(({ boot }) => boot === true)?.source ?? '')

function disksOf(scope: Scope, instance: Instance, disks: ReadonlyMap<string, Disk>): DiskDna[] {
  return (instance.disks ?? [])
    .flatMap((attached): DiskDna[] => {
      const disk = disks.get(attached.source ?? '')
      if (disk === undefined) return [] // a local SSD has no disk of its own and no bytes that outlive a stop
      const origin = originOf(disk).snapshot
      return [
        {
          ref: diskRef(scope, String(disk.id ?? ''), zoneOf(instance)),
          role: attached.boot === true ? 'root' : 'data',
          deviceKey: attached.deviceName ?? '',
          sizeGiB: Number(disk.sizeGb ?? 0),
          type: lastPart(disk.type),
          ...(Number(disk.provisionedIops ?? 0) > 0 ? { iops: Number(disk.provisionedIops) } : {}),
          ...(Number(disk.provisionedThroughput ?? 0) > 0 ? { throughputMiBps: Number(disk.provisionedThroughput) } : {}),
          // Google encrypts every disk; what differs is whose key it is.
          encrypted: true,
          ...(disk.diskEncryptionKey?.kmsKeyName ? { kmsKey: disk.diskEncryptionKey.kmsKeyName } : {}),
          deleteWithInstance: attached.autoDelete ?? false,
          ...(origin === undefined ? {} : { sourceSnapshot: origin }),
        },
      ]
    })
    .toSorted((a, b) => (a.role === b.role ? (a.deviceKey < b.deviceKey ? -1 : 1) : a.role === 'root' ? -1 : 1))
}

/** Firewall rules find instances by network tags, so that those are what security groups are elsewhere. */
const nicsOf = (instance: Instance): NicDna[] =>
  (instance.networkInterfaces ?? []).map((nic, index): NicDna => {
    const natIp = nic.accessConfigs?.[0]?.natIP
    return {
      nativeId: nic.name ?? `nic${index}`,
      primary: index === 0,
      subnet: nic.subnetwork ?? '',
      securityGroups: instance.tags?.items ?? [],
      privateIps: nic.networkIP ? [nic.networkIP] : [],
      // Whether the address is reserved is not said here; a clone gets one of the pool either way.
      ...(natIp ? { publicIp: { ip: natIp, ephemeral: true } } : {}),
      sourceDestCheck: instance.canIpForward !== true,
    }
  })

/**
 * All metadata, base64 of a JSON object: start-up scripts, `user-data`, `ssh-keys`. Google gives it in clear, and any of it may
 * be a secret: it is kept in the one field that is treated as one, and never in `native`.
 */
function metadataText(instance: Instance): string | undefined {
  const items = (instance.metadata?.items ?? []).flatMap(({ key, value }) => (key ? [[key, value ?? ''] as const] : []))
  return items.length === 0 ? undefined : Buffer.from(canonicalJson(Object.fromEntries(items))).toString('base64')
}

/** The items of a DNA's `userData`. One that this adapter has not written is taken for a start-up document as it is. */
export function metadataItems(userData: string | undefined): { readonly key: string; readonly value: string }[] {
  if (userData === undefined) return []
  const text = Buffer.from(userData, 'base64').toString()
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return Object.entries(parsed).flatMap(([key, value]) => (typeof value === 'string' ? [{ key, value }] : []))
    }
  } catch {
    // Not JSON: falls through.
  }
  return [{ key: 'user-data', value: text }]
}

/** Settings with no neutral counterpart that a lossless clone repeats. Only what can be given to an insertion. */
function nativeOf(instance: Instance, policy: PlacementPolicy | undefined): JsonObject {
  return plain({
    name: instance.name,
    network: instance.networkInterfaces?.[0]?.network,
    networkTier: instance.networkInterfaces?.[0]?.accessConfigs?.[0]?.networkTier,
    metadataKeys: (instance.metadata?.items ?? []).map(({ key }) => key),
    scopes: instance.serviceAccounts?.[0]?.scopes,
    canIpForward: instance.canIpForward,
    minCpuPlatform: instance.minCpuPlatform,
    onHostMaintenance: instance.scheduling?.onHostMaintenance,
    automaticRestart: instance.scheduling?.automaticRestart,
    shieldedInstanceConfig: instance.shieldedInstanceConfig,
    confidentialInstanceConfig: instance.confidentialInstanceConfig,
    advancedMachineFeatures: instance.advancedMachineFeatures,
    guestAccelerators: instance.guestAccelerators,
    ...nativePlacement(instance, policy),
  })
}

/** A JSON copy without what is absent or empty, and without the members that the SDK adds for itself (`_field`). */
const plain = (value: Record<string, unknown>): JsonObject =>
  JSON.parse(
    JSON.stringify(value, (key, member: unknown) =>
      key.startsWith('_') || member === null || member === '' || (Array.isArray(member) && member.length === 0) ? undefined : member,
    ),
  ) as Record<string, Json>
