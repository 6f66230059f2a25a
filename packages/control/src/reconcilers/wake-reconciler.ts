import { now } from '@understudy/core'
import type { Control } from '../context.ts'
import type { OutboxMessage } from '../journal/journal.ts'

/** The bell for a reconciler: it looks at once, and not at its next pass. `priority`: 1 is the most urgent. */
export const wakeReconciler = ({ clock, ids }: Pick<Control, 'clock' | 'ids'>, name: string, priority = 20): OutboxMessage => ({
  id: ids.next('event'),
  topic: 'reconcile.wake',
  key: name,
  payload: { name },
  priority,
  createdAt: now(clock),
})
