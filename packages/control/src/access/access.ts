/** What a key may do. Each role includes the ones before it. */
export const roles = ['viewer', 'operator', 'admin'] as const
export type Role = (typeof roles)[number]
export const roleIncludes = (held: Role, needed: Role): boolean => roles.indexOf(held) >= roles.indexOf(needed)

export interface Project {
  readonly id: string
  readonly name: string
  readonly createdAt: Date
}

export interface ApiKey {
  readonly id: string
  readonly projectId: string
  readonly name: string
  readonly role: Role
  /** May create projects, and keys for any project. Only the first key of an installation has it. */
  readonly installationAdmin: boolean
  /** User groups that it speaks for; policies name them. */
  readonly groups: readonly string[]
  /** The first characters of the key, so that people can tell keys apart. */
  readonly prefix: string
  readonly createdAt: Date
  readonly expiresAt: Date | undefined
  readonly lastUsedAt: Date | undefined
  readonly revokedAt: Date | undefined
}

/** Who is asking. */
export interface Principal {
  readonly keyId: string
  readonly projectId: string
  readonly role: Role
  readonly name: string
  readonly installationAdmin: boolean
  /** User groups; absent: none. */
  readonly groups?: readonly string[]
  /** Not a key at all: the part of the service that acts by itself, as a policy has told it. */
  readonly system?: string
}

/** How a principal appears in audit rows and in the clouds' own logs. */
export const actorOf = (principal: Principal): string => (principal.system === undefined ? `key:${principal.keyId}` : systemActor(principal.system))
/** The service itself, acting on a signal or a schedule. */
export const systemActor = (part: string): string => `system:${part}`
