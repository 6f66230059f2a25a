import type { Operation as OperationView, OperationStep, TimelineEntry } from '@understudy/contract'
import type { Operation, Timeline } from '@understudy/control'
import { isFinal } from '@understudy/saga'
import type { SagaEvent, StepFailure } from '@understudy/saga'
import type { z } from 'zod'
import type { Procedures } from '../deps.ts'
import { present, timeText } from './optional.ts'

type View = z.input<typeof OperationView>
type StepView = z.input<typeof OperationStep>
type EntryView = z.input<typeof TimelineEntry>

/** Without steps and timeline, for lists and for answers to a command. */
export const operationSummary = (operation: Operation): View => {
  const done = isFinal(operation.status)
  return present({
    id: operation.id,
    kind: operation.kind,
    done,
    status: operation.status,
    resourceId: operation.resourceId,
    shadowId: operation.shadowId,
    metadata: present({
      reason: operation.reason,
      requestedBy: operation.requestedBy,
      priority: operation.priority,
      deadline: timeText(operation.deadline),
      cancelRequestedAt: timeText(operation.cancelRequestedAt),
      plan: operation.plan ?? undefined,
      planHash: operation.planHash,
    }),
    response: operation.status === 'succeeded' ? (operation.output ?? {}) : undefined,
    error: operation.error && failureView(operation.error),
    createdAt: operation.createdAt.toISOString(),
    startedAt: timeText(operation.startedAt),
    finishedAt: timeText(operation.finishedAt),
    updatedAt: operation.updatedAt.toISOString(),
  })
}

export function operationView({ operation, timeline }: { readonly operation: Operation; readonly timeline: Timeline }, procedures: Procedures): View {
  const summary = operationSummary(operation)
  const planned = procedures(operation.kind, operation.version) ?? []
  const titles = new Map(planned.map(({ name, title }) => [name, title]))
  const names = [...new Set([...planned.map(({ name }) => name), ...timeline.events.map(({ step }) => step)])]
  const steps = names.map((name) => stepView(name, titles.get(name) ?? name, timeline.events))
  const current = steps.find(({ status }) => status !== 'succeeded' && status !== 'pending' && status !== 'undone' && status !== 'skipped')
  const succeeded = steps.filter(({ status }) => status === 'succeeded' || status === 'skipped').length
  const percent = summary.done ? 100 : steps.length === 0 ? 0 : Math.floor((succeeded / steps.length) * 100)
  return {
    ...summary,
    metadata: present({ ...summary.metadata, step: current?.name, percent, steps }),
    timeline: timelineView(timeline, titles),
  }
}

function stepView(name: string, title: string, events: readonly SagaEvent[]): StepView {
  const own = events.filter(({ step }) => step === name)
  const starts = own.filter(({ type }) => type === 'started')
  const last = own.at(-1)
  return present({
    name,
    title,
    status: last === undefined ? ('pending' as const) : isPassedOver(last) ? ('skipped' as const) : statusAfter[last.type],
    attempts: starts.filter((start) => !isPassedOver(start)).length,
    startedAt: starts[0] && momentText(starts[0].atMs),
    finishedAt: last === undefined || last.type === 'started' || last.type === 'undo_started' ? undefined : momentText(last.atMs),
  })
}

/** Its `when` said no: it did nothing, and is no event for people. */
const isPassedOver = ({ attempt }: SagaEvent): boolean => attempt === 0

const statusAfter = {
  started: 'running',
  succeeded: 'succeeded',
  failed: 'failed',
  undo_started: 'undoing',
  undo_finished: 'undone',
  undo_failed: 'undo-failed',
} as const satisfies Record<SagaEvent['type'], StepView['status']>

const entryTypes = {
  started: 'step_started',
  succeeded: 'step_succeeded',
  failed: 'step_failed',
  undo_started: 'undo_started',
  undo_finished: 'undo_finished',
  undo_failed: 'undo_failed',
} as const satisfies Record<SagaEvent['type'], EntryView['type']>

/** Events and notes in one list, oldest first. Outputs of steps stay inside: they are for later steps, not for people. */
function timelineView(timeline: Timeline, titles: ReadonlyMap<string, string>): EntryView[] {
  const happened = timeline.events.filter((event) => !isPassedOver(event))
  const events = happened.map((event) => ({ atMs: event.atMs, rank: event.sequence, view: eventView(event, titles) }))
  const notes = timeline.notes.map((note) => ({
    atMs: note.at.getTime(),
    rank: Number.MAX_SAFE_INTEGER,
    view: present({ at: note.at.toISOString(), type: 'note' as const, step: note.step, message: note.message, data: note.data ?? undefined }),
  }))
  return [...events, ...notes].toSorted((a, b) => a.atMs - b.atMs || a.rank - b.rank).map(({ view }) => view)
}

function eventView(event: SagaEvent, titles: ReadonlyMap<string, string>): EntryView {
  const failed = event.type === 'failed' || event.type === 'undo_failed'
  return present({
    at: momentText(event.atMs),
    type: entryTypes[event.type],
    step: event.step,
    title: titles.get(event.step),
    attempt: event.attempt,
    // The engine writes a StepFailure with every failure.
    error: failed ? failureView(event.data as StepFailure) : undefined,
  })
}

const failureView = (failure: StepFailure) =>
  present({ code: failure.code, message: failure.message, transient: failure.transient, remedy: failure.remedy })

const momentText = (atMs: number): string => new Date(atMs).toISOString()
