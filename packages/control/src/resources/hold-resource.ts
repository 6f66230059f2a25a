import { AppError } from '@understudy/core'
import { actorOf } from '../access/access.ts'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { refuseInvalid, textErrors } from '../fields.ts'
import { changeResource } from './change-resource.ts'
import type { Resource } from './resource.ts'

const holdMinSeconds = 60
const holdMaxSeconds = 604_800

/** Keeps all automation away for `untilSeconds` from now: a minute to a week. What runs already goes on. Replaces a hold that is there. */
export async function holdResource(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number; readonly reason: string; readonly untilSeconds: number },
): Promise<Resource> {
  requireRole(principal, 'operator')
  const inRange = input.untilSeconds >= holdMinSeconds && input.untilSeconds <= holdMaxSeconds
  refuseInvalid([
    ...textErrors('/reason', input.reason, 500),
    ...(inRange ? [] : [{ pointer: '/untilSeconds', message: `must be from ${holdMinSeconds} to ${holdMaxSeconds}` }]),
  ])
  return changeResource(control, principal, input, (_before, at) => {
    const until = new Date(at.getTime() + input.untilSeconds * 1000)
    return {
      what: 'resources.held',
      change: { hold: { reason: input.reason, by: actorOf(principal), until } },
      data: { reason: input.reason, until: until.toISOString() },
    }
  })
}

/** Lets automation at it again. `conflict` when nothing holds it; an expired hold counts as none but is cleared. */
export async function releaseHold(
  control: Control,
  principal: Principal,
  input: { readonly id: string; readonly seenVersion: number },
): Promise<Resource> {
  requireRole(principal, 'operator')
  return changeResource(control, principal, input, (before) => {
    if (before.hold === undefined) throw new AppError('conflict', 'Nothing holds this resource.')
    return { what: 'resources.released', change: { hold: undefined }, data: { reason: before.hold.reason } }
  })
}
