import type { FittingType, PortableDefinition } from '../capabilities/portable.ts'
import type { DiskDna, ResourceDna } from '../dna.ts'
import { fingerprintOf } from '../fingerprint.ts'
import type { Scope } from '../refs.ts'

const typesMax = 10

/** The closest of the types first, as `Portable.fitting` promises. */
export const closest = (types: readonly FittingType[], size: Pick<PortableDefinition, 'vcpus' | 'memoryMiB'>): readonly FittingType[] =>
  types
    .filter(({ vcpus, memoryMiB }) => vcpus >= size.vcpus && memoryMiB >= size.memoryMiB)
    .toSorted((a, b) => a.vcpus - b.vcpus || a.memoryMiB - b.memoryMiB || (a.instanceType < b.instanceType ? -1 : 1))
    .slice(0, typesMax)

/** A definition that no instance stands behind: its ids are empty, and its size has no type yet. */
export function portableDna(scope: Scope, definition: PortableDefinition, disks: readonly DiskDna[]): ResourceDna {
  const { image, arch, vcpus, memoryMiB, bootData, subnet, securityGroups, publicAddress, identity, tags } = definition
  const dna: Omit<ResourceDna, 'fingerprint'> = {
    dnaVersion: 1,
    ref: { ...scope, nativeId: '' },
    nativeName: '',
    state: 'unknown',
    nativeState: '',
    image,
    os: { family: 'linux', arch },
    size: { type: '', vcpus, memoryMiB },
    purchase: 'on-demand',
    disks,
    nics: [
      { nativeId: '', primary: true, subnet, securityGroups, privateIps: [], ...(publicAddress ? { publicIp: { ip: '', ephemeral: true } } : {}) },
    ],
    ...(identity === undefined ? {} : { identity }),
    ...(bootData === undefined ? {} : { userData: bootData }),
    tags,
    placement: {},
    protection: { terminate: false, stop: false },
    holdEnabled: false,
    native: {},
    unknowable: [],
  }
  return { ...dna, fingerprint: fingerprintOf(dna) }
}
