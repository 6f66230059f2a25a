import { notFound } from '@understudy/core'
import type { Principal } from '../access/access.ts'
import { requireRole } from '../access/require-role.ts'
import type { Control } from '../context.ts'
import { idOf, pageOf, pageQuery } from '../page.ts'
import type { Page, PageInput } from '../page.ts'
import type { Signal } from './signal.ts'

type CountedSignal = Signal & { readonly duplicates: number }

export async function getSignal(control: Control, principal: Principal, input: { readonly id: string }): Promise<CountedSignal> {
  requireRole(principal, 'viewer')
  const signal = await control.database.stores.signals.find(principal.projectId, input.id)
  if (!signal) throw notFound('signal')
  return signal
}

export async function listSignals(
  control: Control,
  principal: Principal,
  input: PageInput & { readonly resourceId?: string; readonly kind?: string },
): Promise<Page<CountedSignal>> {
  requireRole(principal, 'viewer')
  const { pageSize: _pageSize, after: _after, ...filter } = input
  const { size, query } = pageQuery(input)
  return pageOf(await control.database.stores.signals.list(principal.projectId, { ...filter, ...query }), size, idOf)
}
