import { notFound } from '@understudy/core'
import type { Principal } from '../../access/access.ts'
import { requireRole } from '../../access/require-role.ts'
import type { Control } from '../../context.ts'
import { idOf, pageOf, pageQuery } from '../../page.ts'
import type { Page, PageInput } from '../../page.ts'
import { optionsOf } from './transition-options.ts'
import type { TransitionOption } from './transition-options.ts'
import type { Transition, TransitionStatus } from './transition.ts'

/** With what can really be done about it. */
export async function getTransition(
  control: Control,
  principal: Principal,
  input: { readonly id: string },
): Promise<{ readonly transition: Transition; readonly options: readonly TransitionOption[] }> {
  requireRole(principal, 'viewer')
  const transition = await control.database.stores.transitions.find(principal.projectId, input.id)
  if (transition === undefined) throw notFound('transition')
  return { transition, options: await readOptions(control, transition) }
}

/** The next to start first. */
export async function listTransitions(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly resourceId?: string | undefined; readonly status?: TransitionStatus | undefined },
): Promise<Page<Transition>> {
  requireRole(principal, 'viewer')
  const { size, query } = pageQuery(input)
  const { resourceId, status } = input
  const filter = { ...(resourceId === undefined ? {} : { resourceId }), ...(status === undefined ? {} : { status }) }
  return pageOf(await control.database.stores.transitions.list(principal.projectId, { ...query, ...filter }), size, idOf)
}

/** Asks no cloud: the adapter says by itself what it can. */
export async function readOptions(control: Control, transition: Transition): Promise<readonly TransitionOption[]> {
  const { stores } = control.database
  const resource = await stores.resources.findById(transition.resourceId)
  const account = await stores.accounts.findById(transition.accountId)
  if (resource === undefined || account === undefined) return []
  const { traits, snapshots } = await control.providers.open(account)
  const shadows = await stores.shadows.listAlive([resource.id])
  const point = transition.pointId === undefined ? undefined : await stores.recoveryPoints.findById(transition.pointId)
  return optionsOf(transition, { resource, shadows, traits, canSnapshot: snapshots !== undefined, point, nowMs: control.clock.nowMs() })
}
