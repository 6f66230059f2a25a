import type { Disk, VirtualMachine } from '@azure/arm-compute'
import type { NetworkInterface, PublicIPAddress } from '@azure/arm-network'
import { ownTags } from '@understudy/core'
import type { Json, JsonObject } from '@understudy/core'
import { fingerprintOf } from '@understudy/provider'
import type { DiskDna, NicDna, ResourceDna, Scope } from '@understudy/provider'
import { diskRef, instanceRef } from './adapter.ts'
import { sameId } from './arm-id.ts'
import { hostGroupOf } from './host-groups.ts'
import type { VmSize } from './sizes.ts'
import { imageTag } from './tags.ts'
import { nativeStateOf, powerStateOf, purchaseOf } from './vm-state.ts'

export interface DescribedVm {
  readonly vm: VirtualMachine
  readonly disks: readonly Disk[]
  readonly nics: readonly NetworkInterface[]
  readonly addresses: readonly PublicIPAddress[]
  readonly userData: string | undefined
  readonly isLocked: boolean
  readonly size: VmSize
}

/** What Azure takes at creation and never gives back. */
const unknowable = ['customData', 'adminPassword', 'extensions.protectedSettings'] as const

/** The complete definition, from everything ARM was asked. Pure. */
export function dnaOf(scope: Scope, seen: DescribedVm): ResourceDna {
  const { vm, size } = seen
  const disks = disksOf(scope, seen)
  const image = imageOf(seen)
  const identities = Object.keys(vm.identity?.userAssignedIdentities ?? {}).toSorted()
  const isSpot = purchaseOf(vm) === 'spot'
  const hostGroup = hostGroupOf(vm)
  const dna: Omit<ResourceDna, 'fingerprint'> = {
    dnaVersion: 1,
    ref: instanceRef(scope, vm.id ?? '', vm.zones?.[0]),
    nativeName: vm.tags?.['Name'] ?? vm.name ?? '',
    state: powerStateOf(vm),
    nativeState: nativeStateOf(vm),
    ...(image === undefined ? {} : { image }),
    os: { family: vm.storageProfile?.osDisk?.osType === 'Windows' ? 'windows' : 'linux', arch: size.arch },
    size: { type: vm.hardwareProfile?.vmSize ?? '', vcpus: size.vcpus, memoryMiB: size.memoryMiB },
    purchase: purchaseOf(vm),
    ...(isSpot ? { spot: spotOf(vm) } : {}),
    disks,
    nics: nicsOf(seen),
    ...(identities.length === 0 ? {} : { identity: identities.join(',') }),
    ...(seen.userData === undefined ? {} : { userData: seen.userData }),
    tags: vm.tags ?? {},
    placement: {
      ...(vm.zones?.[0] === undefined ? {} : { zone: vm.zones[0] }),
      ...(vm.proximityPlacementGroup?.id === undefined ? {} : { group: vm.proximityPlacementGroup.id }),
      ...(vm.host?.id === undefined ? {} : { hostId: vm.host.id }),
      ...(hostGroup === undefined ? {} : { hostGroup }),
    },
    protection: { terminate: seen.isLocked, stop: false },
    holdEnabled: vm.additionalCapabilities?.hibernationEnabled ?? false,
    native: nativeOf(seen),
    unknowable,
  }
  return { ...dna, fingerprint: fingerprintOf(dna) }
}

/** A stand-in's disk may be a copy that does not name its image any more: its tag does. */
function imageOf({ vm, disks }: DescribedVm): string | undefined {
  const osDiskId = vm.storageProfile?.osDisk?.managedDisk?.id ?? ''
  const osDisk = disks.find(({ id }) => sameId(id ?? '', osDiskId))
  return vm.tags?.[imageTag] ?? osDisk?.tags?.[imageTag] ?? osDisk?.creationData?.imageReference?.id ?? vm.storageProfile?.imageReference?.id
}

const spotOf = (vm: VirtualMachine): NonNullable<ResourceDna['spot']> => ({
  // -1: as much as on demand, never evicted for the price.
  ...(vm.billingProfile?.maxPrice === undefined || vm.billingProfile.maxPrice < 0 ? {} : { maxPrice: String(vm.billingProfile.maxPrice) }),
  onInterruption: vm.evictionPolicy === 'Delete' ? 'terminate' : 'stop',
})

function disksOf(scope: Scope, { vm, disks }: DescribedVm): DiskDna[] {
  const { osDisk, dataDisks = [] } = vm.storageProfile ?? {}
  const attached = [
    { role: 'root' as const, deviceKey: 'os', id: osDisk?.managedDisk?.id, deletes: osDisk?.deleteOption === 'Delete' },
    ...dataDisks
      .toSorted((a, b) => a.lun - b.lun)
      .map((disk) => ({ role: 'data' as const, deviceKey: `lun:${disk.lun}`, id: disk.managedDisk?.id, deletes: disk.deleteOption === 'Delete' })),
  ]
  return attached.flatMap(({ role, deviceKey, id = '', deletes }): DiskDna[] => {
    const disk = disks.find((candidate) => sameId(candidate.id ?? '', id))
    if (disk === undefined) return []
    const key = disk.encryption?.diskEncryptionSetId
    return [
      {
        ref: diskRef(scope, disk.id ?? id, disk.zones?.[0]),
        role,
        deviceKey,
        sizeGiB: disk.diskSizeGB ?? 0,
        type: disk.sku?.name ?? '',
        ...(disk.diskIopsReadWrite === undefined ? {} : { iops: disk.diskIopsReadWrite }),
        ...(disk.diskMBpsReadWrite === undefined ? {} : { throughputMiBps: disk.diskMBpsReadWrite }),
        // Managed disks are always encrypted at rest.
        encrypted: true,
        ...(key === undefined ? {} : { kmsKey: key }),
        deleteWithInstance: deletes,
        ...(disk.creationData?.sourceResourceId === undefined ? {} : { sourceSnapshot: disk.creationData.sourceResourceId }),
      },
    ]
  })
}

const nicsOf = ({ vm, nics, addresses }: DescribedVm): NicDna[] =>
  (vm.networkProfile?.networkInterfaces ?? []).flatMap((attached, index): NicDna[] => {
    const nic = nics.find((candidate) => sameId(candidate.id ?? '', attached.id ?? ''))
    if (nic === undefined) return []
    const configurations = nic.ipConfigurations ?? []
    const publicId = configurations[0]?.publicIPAddress?.id
    const address = addresses.find(({ id }) => sameId(id ?? '', publicId ?? ''))
    return [
      {
        nativeId: nic.id ?? '',
        primary: attached.primary ?? index === 0,
        subnet: configurations[0]?.subnet?.id ?? '',
        securityGroups: nic.networkSecurityGroup?.id === undefined ? [] : [nic.networkSecurityGroup.id],
        privateIps: configurations.flatMap(({ privateIPAddress }) => privateIPAddress ?? []),
        ...(publicId === undefined
          ? {}
          : // One that was made together with a stand-in, or that goes with its machine; whatever else there is may be wanted by somebody.
            {
              publicIp: {
                ip: address?.ipAddress ?? '',
                allocationId: publicId,
                ephemeral: address?.tags?.[ownTags.operation] !== undefined || configurations[0]?.publicIPAddress?.deleteOption === 'Delete',
              },
            }),
        sourceDestCheck: nic.enableIPForwarding !== true,
      },
    ]
  })

/** Settings with no neutral counterpart that a clone has to repeat. */
function nativeOf({ vm, disks, nics }: DescribedVm): JsonObject {
  const osDisk = vm.storageProfile?.osDisk
  return plain({
    location: vm.location,
    osType: osDisk?.osType,
    osCaching: osDisk?.caching,
    dataCaching: Object.fromEntries((vm.storageProfile?.dataDisks ?? []).map(({ lun, caching }) => [String(lun), caching])),
    hyperVGeneration: disks.find(({ id }) => sameId(id ?? '', osDisk?.managedDisk?.id ?? ''))?.hyperVGeneration,
    diskControllerType: vm.storageProfile?.diskControllerType,
    securityProfile: vm.securityProfile,
    plan: vm.plan,
    licenseType: vm.licenseType,
    acceleratedNetworking: nics[0]?.enableAcceleratedNetworking,
    bootDiagnostics: vm.diagnosticsProfile?.bootDiagnostics?.enabled,
    scheduledEventsProfile: vm.scheduledEventsProfile,
  })
}

/** A JSON copy: dates as text, `undefined` left out. */
const plain = (value: Record<string, unknown>): JsonObject => JSON.parse(JSON.stringify(value)) as Record<string, Json>
