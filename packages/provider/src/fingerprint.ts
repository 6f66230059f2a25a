import { contentHash } from '@understudy/core'
import type { ResourceDna } from './dna.ts'

/**
 * Hash over what a clone must have in common with its source: image, architecture, disks without their ids, network without
 * its addresses, identity, boot data, metadata service, protection. Not in it: ids, addresses, zone, size, purchase model and
 * tags, which a stand-in may have otherwise on purpose.
 */
export function fingerprintOf(dna: Omit<ResourceDna, 'fingerprint'>): string {
  return contentHash({
    image: dna.image,
    os: dna.os,
    disks: dna.disks
      .map(({ role, deviceKey, sizeGiB, type, iops, throughputMiBps, encrypted, kmsKey, deleteWithInstance }) => ({
        role,
        deviceKey,
        sizeGiB,
        type,
        iops,
        throughputMiBps,
        encrypted,
        kmsKey,
        deleteWithInstance,
      }))
      .toSorted((a, b) => (a.deviceKey < b.deviceKey ? -1 : 1)),
    nics: dna.nics.map((nic) => ({ primary: nic.primary, securityGroups: nic.securityGroups.toSorted(), sourceDestCheck: nic.sourceDestCheck })),
    identity: dna.identity,
    userData: dna.userData,
    keyName: dna.keyName,
    metadataService: dna.metadataService,
  })
}
