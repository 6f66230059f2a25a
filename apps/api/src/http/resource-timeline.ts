import type { ResourceTimelineEntry } from '@understudy/contract'
import { listOperations, listSignals } from '@understudy/control'
import type { Control, Principal } from '@understudy/control'
import { AppError } from '@understudy/core'
import type { z } from 'zod'
import { operationSummary } from '../views/operation.ts'
import { signalSummary } from '../views/signal.ts'

type Entry = z.input<typeof ResourceTimelineEntry>
interface Cursor {
  operation?: string
  signal?: string
}

/** Operations and signals of a resource merged, newest first. Both lists are newest first; the cursor says how far each was used. */
export async function resourceTimeline(
  control: Control,
  principal: Principal,
  input: { readonly resourceId: string; readonly pageSize: number; readonly after?: string },
): Promise<{ items: Entry[]; nextAfter?: string }> {
  const { resourceId, pageSize } = input
  const cursor = readCursor(input.after)
  const page = (after: string | undefined) => ({ resourceId, pageSize, ...(after === undefined ? {} : { after }) })
  const operations = await listOperations(control, principal, page(cursor.operation))
  const signals = await listSignals(control, principal, page(cursor.signal))
  const merged = [
    ...operations.items.map((item) => ({ at: item.createdAt, id: { operation: item.id }, entry: { operation: operationSummary(item) } })),
    ...signals.items.map((item) => ({ at: item.receivedAt, id: { signal: item.id }, entry: { signal: signalSummary(item) } })),
  ].toSorted((a, b) => b.at.getTime() - a.at.getTime())
  const shown = merged.slice(0, pageSize)
  for (const { id } of shown) Object.assign(cursor, id)
  const hasMore = merged.length > shown.length || operations.nextAfter !== undefined || signals.nextAfter !== undefined
  const items = shown.map(({ at, entry }) => ({ at: at.toISOString(), ...entry }))
  return hasMore ? { items, nextAfter: JSON.stringify(cursor) } : { items }
}

function readCursor(after: string | undefined): Cursor {
  if (after === undefined) return {}
  const value: unknown = JSON.parse(after) // Its token was signed by us.
  if (typeof value === 'object' && value !== null) return { ...value }
  throw new AppError('invalid_request', 'This pageToken does not continue this list.')
}
