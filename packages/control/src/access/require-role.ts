import { AppError } from '@understudy/core'
import { roleIncludes } from './access.ts'
import type { Principal, Role } from './access.ts'

/** Throws `forbidden` unless the principal's role includes `needed`. */
export function requireRole(principal: Principal, needed: Role): void {
  if (roleIncludes(principal.role, needed)) return
  throw new AppError('forbidden', `This needs the role ${needed}; the key ${principal.keyId} has ${principal.role}. Use a key with that role.`)
}

/** Throws `forbidden` unless the key administers the whole installation. */
export function requireInstallationAdmin(principal: Principal): void {
  if (principal.installationAdmin) return
  throw new AppError('forbidden', 'This needs the key of the installation, the one that was made at its first start.')
}
