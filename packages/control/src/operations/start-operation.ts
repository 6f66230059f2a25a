import { assert, now } from '@understudy/core'
import type { Json, JsonObject } from '@understudy/core'
import type { Control } from '../context.ts'
import type { Stores } from '../database.ts'
import type { Operation } from './operation.ts'
import { sagaVersions } from './saga-versions.ts'
import type { SagaName } from './saga-versions.ts'
import { wakeMessage } from './wake-message.ts'

export interface NewOperation {
  readonly kind: SagaName
  readonly projectId: string
  readonly params: JsonObject
  readonly resourceId?: string
  readonly shadowId?: string
  /** No two unfinished operations of the installation have the same. */
  readonly lockKey?: string
  readonly deadline?: Date
  readonly priority: number
  readonly requestedBy: string
  readonly reason: string
  readonly plan?: Json
  readonly planHash?: string
}

/**
 * Writes a new operation with its event and the bell that wakes a runner, in the caller's transaction. When another unfinished
 * operation holds the lock, nothing is written and that one is answered with `joined: true`.
 */
export async function startOperation(control: Starter, stores: StarterStores, wanted: NewOperation): Promise<StartedOperation> {
  const [started] = await startOperations(control, stores, [wanted])
  assert(started, 'one operation was asked for, one is answered')
  return started
}

type Starter = Pick<Control, 'clock' | 'ids'>
type StarterStores = Pick<Stores, 'operations' | 'events' | 'outbox'>
export interface StartedOperation {
  readonly operation: Operation
  /** It was there already, under the same lock. */
  readonly joined: boolean
}

/** The same for many, in few statements; answers in the order asked. The second one asked for under a lock joins the first. */
export async function startOperations(
  control: Starter,
  stores: StarterStores,
  wanted: readonly NewOperation[],
): Promise<readonly StartedOperation[]> {
  if (wanted.length === 0) return []
  const fresh = new Map<string, Operation>()
  const asked = wanted.map((item) => {
    const operation = newOperation(control, item)
    const first = fresh.get(operation.lockKey ?? operation.id) ?? operation
    fresh.set(operation.lockKey ?? operation.id, first)
    return { operation: first, joined: first !== operation }
  })
  const holders = await stores.operations.insertUnlocked([...fresh.values()])
  const inserted = [...fresh.values()].filter((operation) => !holders.has(operation.id))
  if (inserted.length > 0) {
    await stores.events.append(inserted.map((operation) => startedEvent(control, operation)))
    await stores.outbox.append(inserted.slice(0, 1).map((operation) => wakeMessage(control, operation)))
  }
  return asked.map(({ operation, joined }) => {
    const holder = holders.get(operation.id)
    assert(holder?.id !== operation.id, 'an operation never waits for itself')
    return { operation: holder ?? operation, joined: joined || holder !== undefined }
  })
}

function newOperation(control: Pick<Control, 'clock' | 'ids'>, wanted: NewOperation): Operation {
  const at = now(control.clock)
  return {
    id: control.ids.next('operation'),
    projectId: wanted.projectId,
    kind: wanted.kind,
    version: sagaVersions[wanted.kind],
    resourceId: wanted.resourceId,
    shadowId: wanted.shadowId,
    status: 'pending',
    params: wanted.params,
    plan: wanted.plan ?? null,
    planHash: wanted.planHash,
    deadline: wanted.deadline,
    priority: wanted.priority,
    lockKey: wanted.lockKey,
    requestedBy: wanted.requestedBy,
    reason: wanted.reason,
    createdAt: at,
    startedAt: undefined,
    finishedAt: undefined,
    error: undefined,
    output: null,
    cancelRequestedAt: undefined,
    updatedAt: at,
  }
}

function startedEvent(control: Pick<Control, 'ids'>, operation: Operation) {
  return {
    id: control.ids.next('event'),
    projectId: operation.projectId,
    type: 'io.understudy.operations.started.v1',
    subject: `operations/${operation.id}`,
    at: operation.createdAt,
    data: {
      id: operation.id,
      kind: operation.kind,
      reason: operation.reason,
      requestedBy: operation.requestedBy,
      ...(operation.resourceId === undefined ? {} : { resourceId: operation.resourceId }),
      ...(operation.shadowId === undefined ? {} : { shadowId: operation.shadowId }),
      ...(operation.deadline === undefined ? {} : { deadline: operation.deadline.toISOString() }),
    },
    ...(operation.deadline === undefined ? {} : { expiresAt: operation.deadline }),
  }
}
