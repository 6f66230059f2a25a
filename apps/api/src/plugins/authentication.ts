import type { AccessRole } from '@understudy/contract'
import { authenticate, roleIncludes } from '@understudy/control'
import type { Control, Principal } from '@understudy/control'
import { AppError, isAppError } from '@understudy/core'
import type { FastifyRequest } from 'fastify'

/** Finds out who asks, and whether the route is for them. `undefined` on routes that take no API key. */
export async function authorise(control: Control, request: FastifyRequest, role: AccessRole): Promise<Principal | undefined> {
  if (role === 'none' || role === 'ingest-key') return undefined
  const principal = await authenticate(control, bearerOf(request))
  const allowed = role === 'installation' ? principal.installationAdmin : roleIncludes(principal.role, role)
  if (allowed) return principal
  throw new AppError(
    'forbidden',
    `This needs ${role === 'installation' ? 'the key of the installation' : `the role ${role}`}; your key has the role ${principal.role}.`,
  )
}

export function bearerOf(request: FastifyRequest): string {
  const header = request.headers.authorization
  const token = header === undefined ? undefined : /^Bearer +(\S{1,200}) *$/i.exec(header)?.[1]
  if (token !== undefined) return token
  throw new AppError('unauthenticated', 'Send your API key as "Authorization: Bearer usk_…".')
}

/** Whether the key of a long answer is still good. Trouble with the database is no reason to end it. */
export async function isStillAllowed(control: Control, secret: string): Promise<boolean> {
  try {
    await authenticate(control, secret)
    return true
  } catch (error) {
    return !isAppError(error, 'unauthenticated')
  }
}
