import { contentHash } from '@understudy/core'
import { providerError } from '@understudy/provider'
import type { CallContext, CloneSpec, DiskDna, ResourceDna } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import type { Instance } from './clients.ts'
import { writeNote } from './disk-notes.ts'
import { metadataItems } from './dna.ts'
import { creationTags } from '@understudy/provider/adapter-kit'
import { clonedTags, fittingName, nameTag, wishTag, writeLabels } from './label-text.ts'
import { placementOf } from './host-groups.ts'
import { keyWithoutVersion, nameOf } from './names.ts'
import type { Member } from './snapshot-sets.ts'

/** What a key was asked for, short enough for a label. The same arguments give the same text in every process. */
export const wishOf = (source: ResourceDna, spec: CloneSpec): string => contentHash([source.ref.nativeId, source.fingerprint, spec]).slice(0, 32)

/**
 * The insertion of an instance like `source`, disks included: one call makes all of it or nothing, so that no disk is left
 * behind. Addresses, host affinity and reservations are never copied.
 */
export function instanceResource(
  adapter: Adapter,
  source: ResourceDna,
  spec: CloneSpec,
  { members, ...context }: CallContext & { readonly members: readonly Member[] | undefined },
): Instance {
  if (source.image === undefined && members === undefined)
    throw providerError('invalid', 'NoImage', 'The boot disk of the source was made from no image, so that no equal instance can be made.')
  const isolated = spec.isolation !== undefined
  const name = nameOf(context.idempotencyKey)
  const added = {
    ...creationTags(context, adapter.installation),
    [nameTag]: fittingName(spec.name),
    [wishTag]: wishOf(source, spec),
  }
  const labels = writeLabels(isolated ? added : clonedTags(source.tags, added))
  const metadata = metadataItems(source.userData)
  const placement = placementOf(source, spec)
  const networkTags = [...(spec.isolation?.securityGroups ?? source.nics[0]?.securityGroups ?? [])]
  return {
    name,
    machineType: `zones/${spec.zone}/machineTypes/${spec.instanceType}`,
    labels,
    disks: disksOf(source, spec, { name, members, labels: writeLabels(creationTags(context, adapter.installation)) }),
    networkInterfaces: nicsOf(source, spec),
    ...(networkTags.length === 0 ? {} : { tags: { items: networkTags } }),
    ...(metadata.length === 0 ? {} : { metadata: { items: metadata } }),
    ...(source.identity === undefined || isolated ? {} : { serviceAccounts: [{ email: source.identity, scopes: scopesOf(source) }] }),
    scheduling: { ...schedulingOf(source, spec), ...placement.scheduling },
    ...placement.resource,
    ...nativeOptions(source, spec),
  }
}

interface NewDisks {
  readonly name: string
  readonly labels: Record<string, string>
  readonly members: readonly Member[] | undefined
}

function disksOf(source: ResourceDna, spec: CloneSpec, { name, labels, members }: NewDisks): NonNullable<Instance['disks']> {
  return source.disks.map((disk, index) => ({
    boot: disk.role === 'root',
    autoDelete: disk.deleteWithInstance,
    deviceName: disk.deviceKey,
    mode: 'READ_WRITE',
    type: 'PERSISTENT',
    ...(disk.kmsKey === undefined ? {} : { diskEncryptionKey: { kmsKeyName: keyWithoutVersion(disk.kmsKey) } }),
    initializeParams: {
      diskName: index === 0 ? name : `${name}-${index}`,
      // A root that is the image's own has no size here.
      ...(disk.sizeGiB === 0 ? {} : { diskSizeGb: String(disk.sizeGiB) }),
      diskType: `zones/${spec.zone}/diskTypes/${disk.type}`,
      labels,
      ...(members === undefined ? firstContents(source, disk) : savedContents(source, disk, members)),
      ...(disk.iops === undefined ? {} : { provisionedIops: String(disk.iops) }),
      ...(disk.throughputMiBps === undefined ? {} : { provisionedThroughput: String(disk.throughputMiBps) }),
    },
  }))
}

/** From the image, a data disk starts as it did at first: from the snapshot it was made of, or empty. */
function firstContents(source: ResourceDna, { role, sourceSnapshot }: DiskDna) {
  if (role === 'root') return { sourceImage: source.image ?? '' }
  return sourceSnapshot === undefined ? {} : { sourceSnapshot: `global/snapshots/${sourceSnapshot}` }
}

function savedContents(source: ResourceDna, { role, deviceKey, sourceSnapshot }: DiskDna, members: readonly Member[]) {
  const member = members.find(({ note }) => note.device === deviceKey)
  if (member === undefined)
    throw providerError('invalid', 'SnapshotSet.Incomplete', `The snapshot set has no disk ${deviceKey}, which the source has.`)
  const snapshot = sourceSnapshot === undefined ? {} : { snapshot: sourceSnapshot }
  const origin = role === 'root' ? (source.image === undefined ? {} : { image: source.image }) : snapshot
  return { sourceSnapshot: `global/snapshots/${member.snapshot.name}`, description: writeNote({ origin }) }
}

/** Subnets span a region, so that every zone of it has the source's own. */
function nicsOf(source: ResourceDna, spec: CloneSpec): NonNullable<Instance['networkInterfaces']> {
  const nics = spec.isolation === undefined ? source.nics : source.nics.filter(({ primary }) => primary)
  return nics.map((nic) => ({
    subnetwork: nic.subnet,
    ...(nic.publicIp === undefined || spec.isolation !== undefined ? {} : { accessConfigs: [{ name: 'External NAT', type: 'ONE_TO_ONE_NAT' }] }),
  }))
}

function scopesOf({ native }: ResourceDna): string[] {
  const scopes = native['scopes']
  const texts = Array.isArray(scopes) ? scopes.filter((scope) => typeof scope === 'string') : []
  return texts.length === 0 ? ['https://www.googleapis.com/auth/cloud-platform'] : texts
}

/** A preempted spot instance is stopped rather than deleted: its disks stay, and it may be started again. */
function schedulingOf({ native }: ResourceDna, spec: CloneSpec): NonNullable<Instance['scheduling']> {
  if (spec.purchase === 'spot')
    return { provisioningModel: 'SPOT', instanceTerminationAction: 'STOP', onHostMaintenance: 'TERMINATE', automaticRestart: false }
  const wanted = native['onHostMaintenance']
  return {
    provisioningModel: 'STANDARD',
    onHostMaintenance: wanted === 'TERMINATE' ? 'TERMINATE' : 'MIGRATE',
    automaticRestart: native['automaticRestart'] !== false,
  }
}

/** What the DNA keeps verbatim. A CPU platform belongs to a series and is left to Google when the type differs. */
function nativeOptions({ native, size }: ResourceDna, spec: CloneSpec): Partial<Instance> {
  const { canIpForward, minCpuPlatform, shieldedInstanceConfig, confidentialInstanceConfig, advancedMachineFeatures } = native as Partial<Instance> // written by this adapter
  return {
    ...(canIpForward === true ? { canIpForward } : {}),
    ...(!isGiven(shieldedInstanceConfig) ? {} : { shieldedInstanceConfig }),
    ...(!isGiven(confidentialInstanceConfig) ? {} : { confidentialInstanceConfig }),
    ...(spec.instanceType !== size.type || !isGiven(minCpuPlatform) ? {} : { minCpuPlatform }),
    ...(spec.instanceType !== size.type || !isGiven(advancedMachineFeatures) ? {} : { advancedMachineFeatures }),
  }
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null
