import type { CachingTypes, Disk, VirtualMachine } from '@azure/arm-compute'
import type { NetworkInterface, PublicIPAddress } from '@azure/arm-network'
import type { Labels } from '@understudy/core'
import { providerError } from '@understudy/provider'
import { isObject } from '@understudy/provider/adapter-kit'
import type { CloneSpec, DiskDna, NicDna, ResourceDna } from '@understudy/provider'
import { placementOf, zonesOf } from './host-groups.ts'
import type { KeptDisk } from './kept-set.ts'

/** A new disk in the stand-in's zone: from what a set has kept, or from the source's image for the root and empty for data. */
export function diskDefinition(
  source: ResourceDna,
  disk: DiskDna,
  spec: CloneSpec,
  tags: Labels,
  location: string,
  kept?: Pick<KeptDisk, 'createOption' | 'id'>,
): Disk {
  return {
    location,
    ...zonesOf(spec.zone),
    sku: { name: disk.type },
    // 0: as large as the image.
    ...(disk.sizeGiB === 0 ? {} : { diskSizeGB: disk.sizeGiB }),
    ...(disk.kmsKey === undefined ? {} : { encryption: { type: 'EncryptionAtRestWithCustomerKey', diskEncryptionSetId: disk.kmsKey } }),
    ...(disk.role === 'root' ? { osType: source.os.family === 'windows' ? 'Windows' : 'Linux', ...generationOf(source) } : {}),
    creationData:
      kept !== undefined
        ? { createOption: kept.createOption, sourceResourceId: kept.id }
        : disk.role === 'root'
          ? fromImage(source)
          : { createOption: 'Empty' },
    tags: { ...tags },
  }
}

function fromImage({ image, nativeName }: ResourceDna): NonNullable<Disk['creationData']> {
  if (image === undefined) throw providerError('invalid', 'ImageUnknown', `The image that ${nativeName} was made of is not known.`)
  const isGallery = /\/galleries\//i.test(image)
  return { createOption: 'FromImage', ...(isGallery ? { galleryImageReference: { id: image } } : { imageReference: { id: image } }) }
}

const generationOf = ({ native }: ResourceDna): Pick<Disk, 'hyperVGeneration'> =>
  typeof native['hyperVGeneration'] === 'string' ? { hyperVGeneration: native['hyperVGeneration'] } : {}

/** A public address that comes and goes with its interface. Standard is the only kind that new ones are, and always static. */
export const publicIpDefinition = (spec: CloneSpec, tags: Labels, location: string): PublicIPAddress => ({
  location,
  ...zonesOf(spec.zone),
  sku: { name: 'Standard' },
  publicIPAllocationMethod: 'Static',
  publicIPAddressVersion: 'IPv4',
  tags: { ...tags },
})

/** Whether a stand-in gets a public address of its own: where the source has one that is nobody else's. */
export const hasOwnAddress = ({ primary, publicIp }: NicDna, { isolation }: CloneSpec): boolean =>
  primary && publicIp?.ephemeral === true && isolation === undefined

/** A new interface in the source's subnet, which spans all zones. Its address is not copied, nor is a public one that others may want. */
export function nicDefinition(nic: NicDna, spec: CloneSpec, tags: Labels, location: string, publicIpId?: string): NetworkInterface {
  const group = spec.isolation === undefined ? nic.securityGroups[0] : spec.isolation.securityGroups[0]
  return {
    location,
    ipConfigurations: [
      {
        name: 'primary',
        primary: true,
        privateIPAllocationMethod: 'Dynamic',
        subnet: { id: nic.subnet },
        ...(publicIpId === undefined ? {} : { publicIPAddress: { id: publicIpId, deleteOption: 'Delete' } }),
      },
    ],
    ...(group === undefined ? {} : { networkSecurityGroup: { id: group } }),
    ...(nic.sourceDestCheck === false ? { enableIPForwarding: true } : {}),
    tags: { ...tags },
  }
}

export interface Parts {
  readonly disks: readonly { readonly dna: DiskDna; readonly id: string }[]
  readonly nicIds: readonly string[]
}

/** Disks are attached, not made by the VM: so there is neither an image nor an OS profile, whose password nobody knows. */
export function vmDefinition(source: ResourceDna, spec: CloneSpec, parts: Parts, tags: Labels, location: string): VirtualMachine {
  const isSpot = spec.purchase === 'spot'
  const root = parts.disks.find(({ dna }) => dna.role === 'root')
  if (root === undefined) throw providerError('invalid', 'NoRootDisk', `${source.nativeName} has no root disk.`)
  return {
    location,
    ...zonesOf(spec.zone),
    tags: { ...tags },
    ...identityOf(source, spec),
    ...(source.userData === undefined ? {} : { userData: source.userData }),
    hardwareProfile: { vmSize: spec.instanceType },
    storageProfile: {
      osDisk: {
        createOption: 'Attach',
        osType: source.os.family === 'windows' ? 'Windows' : 'Linux',
        managedDisk: { id: root.id },
        deleteOption: deleteOption(root.dna),
        ...cachingOf(source, 'os'),
      },
      dataDisks: parts.disks
        .filter(({ dna }) => dna.role === 'data')
        .map(({ dna, id }) => ({
          lun: lunOf(dna),
          createOption: 'Attach',
          managedDisk: { id },
          deleteOption: deleteOption(dna),
          ...cachingOf(source, dna.deviceKey),
        })),
    },
    networkProfile: { networkInterfaces: parts.nicIds.map((id, index) => ({ id, primary: index === 0, deleteOption: 'Delete' })) },
    ...(isSpot ? { priority: 'Spot', evictionPolicy: 'Deallocate', billingProfile: { maxPrice: Number(source.spot?.maxPrice ?? -1) } } : {}),
    // Azure refuses hibernation for Spot.
    ...(source.holdEnabled && !isSpot ? { additionalCapabilities: { hibernationEnabled: true } } : {}),
    ...placementOf(source, spec),
    ...nativeOf(source),
  }
}

const deleteOption = ({ deleteWithInstance }: DiskDna): 'Delete' | 'Detach' => (deleteWithInstance ? 'Delete' : 'Detach')

/** Of the host, as the source has it in the same place: Azure's own default depends on the kind of the disk. */
export function cachingOf({ native: { osCaching, dataCaching } }: ResourceDna, deviceKey: string): { readonly caching?: CachingTypes } {
  const caching = deviceKey === 'os' ? osCaching : isObject(dataCaching) ? dataCaching[deviceKey.replace('lun:', '')] : undefined
  return caching === 'None' || caching === 'ReadOnly' || caching === 'ReadWrite' ? { caching } : {}
}

const lunOf = ({ deviceKey }: DiskDna): number => Number(deviceKey.replace('lun:', ''))

function identityOf({ identity }: ResourceDna, { isolation }: CloneSpec): Pick<VirtualMachine, 'identity'> {
  if (identity === undefined || isolation !== undefined) return {}
  return { identity: { type: 'UserAssigned', userAssignedIdentities: Object.fromEntries(identity.split(',').map((id) => [id, {}])) } }
}

/** Security type and plan must be those of the source's disk. */
function nativeOf({ native }: ResourceDna): Partial<VirtualMachine> {
  const { securityProfile, plan, licenseType } = native
  return {
    ...(securityProfile === undefined ? {} : { securityProfile: securityProfile as NonNullable<VirtualMachine['securityProfile']> }), // as ARM gave it
    ...(plan === undefined ? {} : { plan: plan as NonNullable<VirtualMachine['plan']> }), // as ARM gave it
    ...(typeof licenseType === 'string' ? { licenseType } : {}),
  }
}
