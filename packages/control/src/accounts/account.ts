import type { Json, JsonObject } from '@understudy/core'
import type { PermissionReport } from './permission-report.ts'

/** One account of a cloud in one region, and how to reach it. */
export interface Account {
  readonly id: string
  readonly projectId: string
  readonly name: string
  /** Name of the adapter. Which ones exist is the worker's and the API's wiring; the application treats it as opaque. */
  readonly provider: string
  /** The cloud's own account id; learnt by `:verify` when not given. */
  readonly nativeAccount: string | undefined
  readonly region: string
  /** Adapter settings that are not secret: endpoint URLs, queue URL. */
  readonly settings: JsonObject
  readonly status: AccountStatus
  readonly verifiedAt: Date | undefined
  readonly verification: Verification | undefined
  /** SHA-256 of the key that pushed events must carry; undefined: pushing is off. */
  readonly ingestKeyHash: string | undefined
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Grows with every change; the ETag. */
  readonly version: number
}
export type AccountStatus = 'unverified' | 'verified' | 'failing'

export interface Verification {
  readonly [key: string]: Json | undefined
  readonly principal?: string
  readonly nativeAccount?: string
  readonly errorCode?: string
  readonly message?: string
  readonly remedy?: string
  /** What the credentials may do, by capability, where the cloud can be asked. */
  readonly permissions?: PermissionReport[]
}

/** AES-256-GCM envelope: a data key per secret, wrapped by the configured master key `masterKeyId`. All fields base64. */
export interface SealedSecret {
  readonly masterKeyId: string
  readonly wrappedKey: string
  readonly wrapNonce: string
  readonly nonce: string
  readonly ciphertext: string
}
