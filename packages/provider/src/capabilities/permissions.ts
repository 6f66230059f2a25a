/** Asks the cloud what the credentials may do, without changing anything. */
export interface Permissions {
  /** One finding per permission that the adapter needs. What a cloud does not say is `unproven`; only a lost connection throws. */
  check(options?: { readonly signal?: AbortSignal }): Promise<readonly PermissionFinding[]>
}

/** What of the port a permission is for. */
export type PermittedCapability = 'inventory' | 'compute' | 'labels' | 'traffic' | 'snapshots' | 'commands' | 'signals' | 'market'

export interface PermissionFinding {
  readonly capability: PermittedCapability
  /** As policies of the cloud write it: `ec2:StartInstances`. */
  readonly permission: string
  readonly outcome: 'granted' | 'missing' | 'unproven'
  /** Why it is unproven. Never holds a secret. */
  readonly reason?: string
}
