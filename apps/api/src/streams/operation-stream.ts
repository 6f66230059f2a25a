import { getOperation } from '@understudy/control'
import type { Control, Principal } from '@understudy/control'
import type { AppDeps } from '../deps.ts'
import { operationView } from '../views/operation.ts'
import { poller } from './poller.ts'
import type { SseStream } from './sse.ts'
import type { Streams } from './streams.ts'

/** How far a client has read. Events and notes are counted apart: each list only grows at its end, which both together do not. */
interface Position {
  events: number
  notes: number
  /** The state it was told last. */
  state: string
}

/**
 * Sends the timeline of an operation as it grows, the operation whenever it changes, and ends when it has ended. The id of an
 * event says how much was sent: a client that returns with it misses nothing.
 */
export async function streamOperation(options: {
  readonly deps: AppDeps
  readonly principal: Principal
  readonly operationId: string
  readonly lastEventId: string | undefined
  readonly streams: Streams
  readonly stillAllowed: () => Promise<boolean>
}): Promise<SseStream> {
  const { deps, principal, operationId, streams } = options
  // Before anything is sent: an unknown operation is a plain 404.
  await getOperation(deps.control, principal, { id: operationId })
  const position: Position = { ...seenOf(options.lastEventId), state: '' }
  const ending = new AbortController()
  const stream = streams.open({ keyId: principal.keyId, stillAllowed: options.stillAllowed, onEnd: () => ending.abort() })
  const polling = poller(deps.control.clock, {
    everyMs: streams.pollMs,
    poll: () => sendNews(deps, deps.control, principal, operationId, position, stream),
    onError: (error) => deps.logger.warn('operation_stream_failed', { operationId, error }),
  })
  ending.signal.addEventListener('abort', () => polling.stop(), { once: true })
  return stream
}

async function sendNews(deps: AppDeps, control: Control, principal: Principal, id: string, position: Position, stream: SseStream): Promise<void> {
  const view = operationView(await getOperation(control, principal, { id }), deps.procedures)
  const entries = view.timeline ?? []
  const events = entries.filter(({ type }) => type !== 'note')
  const notes = entries.filter(({ type }) => type === 'note')
  const news = [...events.slice(position.events), ...notes.slice(position.notes)].toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  for (const entry of news) {
    if (entry.type === 'note') position.notes++
    else position.events++
    stream.send({ id: `${position.events}.${position.notes}`, event: 'timeline', data: { entry } })
  }
  const state = `${view.updatedAt} ${view.status} ${entries.length}`
  if (state === position.state) return
  position.state = state
  const { timeline: _sentAlready, ...operation } = view
  stream.send({ id: `${position.events}.${position.notes}`, event: view.done ? 'done' : 'operation', data: { operation } })
  if (view.done) stream.end()
}

function seenOf(lastEventId: string | undefined): { events: number; notes: number } {
  const [, events, notes] = /^(\d{1,6})\.(\d{1,6})$/.exec(lastEventId ?? '') ?? []
  return { events: Number(events ?? 0), notes: Number(notes ?? 0) }
}
