import type { Json } from '@understudy/core'
import type { SagaEvent, StepFailure } from './log.ts'
import { FencedOff, isFinal } from './store.ts'
import type { ClaimedOperation, OperationStatus, SagaStore } from './store.ts'

/** An operation as the store keeps it. */
export interface StoredOperation {
  readonly id: string
  readonly projectId: string
  readonly saga: string
  readonly version: number
  readonly params: Json
  readonly deadlineMs: number | undefined
  readonly priority: number
  readonly requestedBy: string
  readonly createdMs: number
  cancelRequested: boolean
  skippedSteps: string[]
  generation: number
  status: OperationStatus
  runner: string | undefined
  leaseUntilMs: number
  notBeforeMs: number
  events: SagaEvent[]
  notes: { readonly step: string; readonly message: string; readonly data?: Json; readonly atMs: number }[]
  audit: { readonly action: string; readonly target: string; readonly details?: Json; readonly key: string }[]
  error: StepFailure | undefined
  output: Json | undefined
  finishedMs: number | undefined
}

export interface Submission {
  readonly id?: string
  readonly saga: string
  readonly version: number
  readonly params: Json
  readonly deadlineMs?: number
  readonly priority?: number
  readonly projectId?: string
  readonly createdMs?: number
}

/** What people and their programs do to operations, beside the runners. */
export interface OperationsDesk {
  submit(operation: Submission): Promise<string>
  read(id: string): Promise<StoredOperation>
  requestCancel(id: string): Promise<void>
  /** Makes a stuck operation runnable again, after skipping the named step if one is named. */
  resume(id: string, options?: { readonly skip?: string }): Promise<void>
}

export interface MapStore extends SagaStore, OperationsDesk {
  readonly operations: ReadonlyMap<string, StoredOperation>
}

/**
 * The contract of `SagaStore` over a Map, for tests and simulations in one process. Calls take effect at once and in order, as
 * serialisable transactions would. Everything is copied in and out, so no runner can see another's objects.
 */
export function createMapStore(): MapStore {
  const operations = new Map<string, StoredOperation>()
  const find = (id: string): StoredOperation => {
    const found = operations.get(id)
    if (found === undefined) throw new Error(`there is no operation ${id}`)
    return found
  }
  const owned = ({ id, generation }: { readonly id: string; readonly generation: number }): StoredOperation => {
    const found = find(id)
    if (found.generation !== generation || found.runner === undefined) throw new FencedOff(id)
    return found
  }
  const endLease = (operation: StoredOperation): void => {
    operation.runner = undefined
    operation.leaseUntilMs = 0
  }
  return {
    operations,
    ...desk(operations, find),
    claim: async (options) => claimDue(operations, options),
    async renew(options) {
      const kept: { id: string; cancelRequested: boolean }[] = []
      for (const lease of options.leases) {
        const operation = operations.get(lease.id)
        if (operation?.generation !== lease.generation || operation.runner !== options.runner) continue
        operation.leaseUntilMs = options.nowMs + options.leaseMs
        kept.push({ id: operation.id, cancelRequested: operation.cancelRequested })
      }
      return kept
    },
    async append(lease, events, audit = []) {
      const operation = owned(lease)
      for (const [index, event] of events.entries()) {
        const expected = operation.events.length + 1 + index
        if (event.sequence !== expected) throw new Error(`operation ${lease.id}: event ${event.sequence} is not number ${expected}`)
      }
      operation.events.push(...structuredClone(events))
      if (events.some((event) => event.type === 'undo_started')) operation.status = 'undoing'
      for (const intent of audit) if (!operation.audit.some((known) => known.key === intent.key)) operation.audit.push(structuredClone(intent))
      return { cancelRequested: operation.cancelRequested }
    },
    async note(lease, entry) {
      owned(lease).notes.push(structuredClone(entry))
    },
    async finish(lease, result) {
      const operation = owned(lease)
      operation.status = result.status
      operation.error = structuredClone(result.error)
      operation.output = structuredClone(result.output)
      operation.finishedMs = isFinal(result.status) ? result.atMs : undefined
      endLease(operation)
    },
    async release(lease, { notBeforeMs }) {
      const operation = owned(lease)
      operation.notBeforeMs = notBeforeMs
      endLease(operation)
    },
  }
}

function claimDue(operations: Map<string, StoredOperation>, options: Parameters<SagaStore['claim']>[0]): ClaimedOperation[] {
  const due = [...operations.values()].filter(
    (operation) =>
      isRunnable(operation, options.nowMs) &&
      options.sagas.includes(operation.saga) &&
      (options.priorityMax === undefined || operation.priority <= options.priorityMax) &&
      (options.operationId === undefined || operation.id === options.operationId),
  )
  due.sort((a, b) => a.priority - b.priority || a.createdMs - b.createdMs)
  return due.slice(0, Math.max(0, options.limit)).map((operation) => {
    operation.generation++
    operation.runner = options.runner
    operation.leaseUntilMs = options.nowMs + options.leaseMs
    if (operation.status === 'pending') operation.status = 'running'
    return claimed(operation)
  })
}

/** Pending, or under way with a lease that has run out or was given back. */
function isRunnable(operation: StoredOperation, nowMs: number): boolean {
  if (isFinal(operation.status) || operation.status === 'stuck') return false
  return operation.leaseUntilMs <= nowMs && operation.notBeforeMs <= nowMs
}

function claimed(operation: StoredOperation): ClaimedOperation {
  const { id, projectId, saga, version, params, deadlineMs, priority, requestedBy, createdMs, cancelRequested, skippedSteps, generation, events } =
    operation
  return structuredClone({
    ...{ id, projectId, saga, version, params, deadlineMs, priority, requestedBy, createdMs, cancelRequested, skippedSteps, generation, events },
  })
}

function desk(operations: Map<string, StoredOperation>, find: (id: string) => StoredOperation): OperationsDesk {
  return {
    async submit(submission) {
      const id = submission.id ?? `op_${String(operations.size + 1).padStart(20, '0')}`
      if (operations.has(id)) throw new Error(`operation ${id} exists already`)
      operations.set(id, {
        id,
        projectId: submission.projectId ?? 'prj_test',
        saga: submission.saga,
        version: submission.version,
        params: structuredClone(submission.params),
        deadlineMs: submission.deadlineMs,
        priority: submission.priority ?? 100,
        requestedBy: 'test',
        createdMs: submission.createdMs ?? 0,
        cancelRequested: false,
        skippedSteps: [],
        generation: 0,
        status: 'pending',
        runner: undefined,
        leaseUntilMs: 0,
        notBeforeMs: 0,
        events: [],
        notes: [],
        audit: [],
        error: undefined,
        output: undefined,
        finishedMs: undefined,
      })
      return id
    },
    read: async (id) => structuredClone(find(id)),
    async requestCancel(id) {
      find(id).cancelRequested = true
    },
    async resume(id, options = {}) {
      const operation = find(id)
      if (operation.status !== 'stuck') throw new Error(`operation ${id} is ${operation.status}, not stuck`)
      if (options.skip !== undefined) operation.skippedSteps.push(options.skip)
      operation.status = 'pending'
      operation.notBeforeMs = 0
    },
  }
}
