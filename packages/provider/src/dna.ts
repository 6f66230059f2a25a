import type { JsonObject, Labels } from '@understudy/core'
import type { DiskRef, InstanceRef, PurchaseModel } from './refs.ts'

export type PowerState =
  | 'provisioning'
  | 'running'
  | 'stopping'
  | 'stopped' // stopped: compute released
  | 'stopped-billed' // Azure PowerState/stopped only
  | 'holding'
  | 'held' // memory kept: hibernated, suspended
  | 'repairing'
  | 'terminating'
  | 'terminated'
  | 'unknown'

export interface DiskDna {
  readonly ref: DiskRef
  readonly role: 'root' | 'data'
  /** The name the disk is plugged in under: EC2 device name, Azure `os` or `lun:N`, GCP device name. */
  readonly deviceKey: string
  readonly sizeGiB: number
  readonly type: string
  readonly iops?: number
  readonly throughputMiBps?: number
  readonly encrypted: boolean
  readonly kmsKey?: string
  readonly deleteWithInstance: boolean
  readonly sourceSnapshot?: string
}

export interface NicDna {
  readonly nativeId: string
  readonly primary: boolean
  readonly subnet: string
  readonly securityGroups: readonly string[]
  readonly privateIps: readonly string[]
  readonly publicIp?: { readonly ip: string; readonly allocationId?: string; readonly ephemeral: boolean }
  readonly sourceDestCheck?: boolean
}

/** A group of hosts that an instance is bound to. */
export interface HostGroup {
  /** As the cloud names it. */
  readonly id: string
  /**
   * `own-hosts`: nobody else's instances are on them · `together`: members are close to each other · `apart`: no two share hardware ·
   * `partitions`: no two partitions share hardware. Absent: the cloud would not say.
   */
  readonly strategy?: 'own-hosts' | 'together' | 'apart' | 'partitions'
  /** Whether a clone in the same zone can be kept off the hardware of this instance for certain (`CloneSpec.hosts`). */
  readonly separable: boolean
}

/** The complete, normalised definition from which an equal instance can be made. */
export interface ResourceDna {
  readonly dnaVersion: 1
  readonly ref: InstanceRef
  readonly nativeName: string
  readonly state: PowerState
  readonly nativeState: string
  readonly stateReason?: { readonly code: string; readonly message: string }
  readonly image?: string
  readonly os: { readonly family: 'linux' | 'windows' | 'other'; readonly arch: 'x86_64' | 'arm64' }
  readonly size: { readonly type: string; readonly vcpus: number; readonly memoryMiB: number }
  readonly purchase: PurchaseModel
  readonly spot?: { readonly maxPrice?: string; readonly onInterruption: 'terminate' | 'stop' | 'hibernate'; readonly requestId?: string }
  readonly disks: readonly DiskDna[]
  readonly nics: readonly NicDna[]
  readonly identity?: string
  /** Base64. May hold secrets: the store redacts it. */
  readonly userData?: string
  readonly keyName?: string
  readonly tags: Labels
  readonly placement: {
    readonly zone?: string
    readonly tenancy?: string
    readonly group?: string
    readonly hostId?: string
    /** Absent: it is bound to none, or the adapter reads none (`Traits.hostGroups`). */
    readonly hostGroup?: HostGroup
  }
  readonly metadataService?: { readonly tokensRequired: boolean; readonly hopLimit?: number; readonly enabled: boolean }
  readonly protection: { readonly terminate: boolean; readonly stop: boolean }
  readonly holdEnabled: boolean
  /** Everything else a lossless clone needs, verbatim. */
  readonly native: JsonObject
  /** Hash over the clonable subset: equal for an instance and its faithful clone. See `fingerprintOf`. */
  readonly fingerprint: string
  /** Fields that the cloud never returns and that a person has to supply. */
  readonly unknowable: readonly string[]
}
