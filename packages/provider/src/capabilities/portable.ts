import type { Labels } from '@understudy/core'
import type { ResourceDna } from '../dna.ts'

/** What an instance needs to be, where no instance stands that it could be a clone of. In the terms of the account it is made in. */
export interface PortableDefinition {
  /** The cloud's own id of the image: an AMI, a path of an image. */
  readonly image: string
  readonly arch: ResourceDna['os']['arch']
  readonly vcpus: number
  readonly memoryMiB: number
  /** Base64, as instances are given it at their first boot. May hold secrets. */
  readonly bootData?: string
  readonly subnet: string
  readonly securityGroups: readonly string[]
  /** Whether it gets a public address of its own. */
  readonly publicAddress: boolean
  readonly identity?: string
  readonly tags: Labels
}

export interface FittingType {
  readonly instanceType: string
  readonly vcpus: number
  readonly memoryMiB: number
}

/** Making an instance from a definition that belongs to no cloud. Absent where the cloud, or its adapter, cannot. */
export interface Portable {
  /** Types on offer with at least this much of both, at most ten, the closest first: by vCPUs, then memory, then name. Without accelerators. */
  fitting(size: Pick<PortableDefinition, 'arch' | 'vcpus' | 'memoryMiB'>): Promise<readonly FittingType[]>
  /**
   * The definition as a source for `compute.provision`: equal for equal arguments, with the root disk that the image brings. Calls
   * nothing; what does not exist is found by the launch.
   */
  define(definition: PortableDefinition): ResourceDna
}
