import { now } from '@understudy/core'
import type { Control } from '../context.ts'
import type { OutboxMessage } from '../journal/journal.ts'
import type { Operation } from './operation.ts'

/** The bell for one operation. Its key is the operation's id, so that ringing twice is heard once. */
export const wakeMessage = (control: Pick<Control, 'clock' | 'ids'>, operation: Pick<Operation, 'id' | 'priority'>): OutboxMessage => ({
  id: control.ids.next('event'),
  topic: 'operations.wake',
  key: operation.id,
  payload: { operationId: operation.id },
  priority: operation.priority,
  createdAt: now(control.clock),
})
