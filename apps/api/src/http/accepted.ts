import type { Operation as OperationView } from '@understudy/contract'
import type { Operation } from '@understudy/control'
import type { z } from 'zod'
import type { AppDeps } from '../deps.ts'
import { operationSummary } from '../views/operation.ts'
import type { Answer } from './route.ts'

/** 202 with where to look. The bell only saves the wait for the next sweep: the operation is stored already. */
export function accepted({ deps }: { readonly deps: AppDeps }, operation: Operation): Answer<z.input<typeof OperationView>> {
  ringFor(deps, operation)
  return { status: 202, body: operationSummary(operation), headers: { location: `/v1/operations/${operation.id}`, 'retry-after': '1' } }
}

export const ringFor = (deps: AppDeps, { id, priority }: Pick<Operation, 'id' | 'priority'>): void =>
  deps.bell.ring('operations.wake', { key: id, payload: { operationId: id }, priority })
