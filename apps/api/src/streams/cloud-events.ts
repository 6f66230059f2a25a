import type { CloudEvent, CloudEventPage, listEvents } from '@understudy/contract'
import { cloudEvent, eventSource } from '@understudy/control'
import type { DomainEvent } from '@understudy/control'
import type { Readable } from 'node:stream'
import type { z } from 'zod'
import type { Call } from '../http/route.ts'
import { bearerOf, isStillAllowed } from '../plugins/authentication.ts'
import { lastEventId } from './sse.ts'

type View = z.input<typeof CloudEvent>

/** One page of the project's events, from the beginning or after a sequence. */
export async function cloudEventPage(call: Call<typeof listEvents>): Promise<z.input<typeof CloudEventPage>> {
  const { pageSize, after } = call.page
  const from = after === undefined ? (call.query.afterSequence ?? 0) : Number(after)
  const types = typesOf(call.query.types)
  const events = await call.control.database.stores.events.listAfter(from, {
    projectId: call.principal.projectId,
    limit: pageSize + 1,
    ...(types === undefined ? {} : { types }),
  })
  const items = events.slice(0, pageSize)
  const last = String(items.at(-1)?.sequence ?? from)
  const page = { items: items.map((event) => view(call, event)), lastSequence: last }
  return events.length > pageSize ? { ...page, nextPageToken: call.tokenFor(last) } : page
}

/** The project's events as they happen. A client that returns with `Last-Event-ID` misses none. */
export async function followEvents(call: Call<typeof listEvents>): Promise<Readable> {
  const types = typesOf(call.query.types)
  const resumeFrom = lastEventId(call.request)
  const after = resumeFrom !== undefined && /^\d{1,16}$/.test(resumeFrom) ? Number(resumeFrom) : call.query.afterSequence
  const secret = bearerOf(call.request)
  let unsubscribe = (): void => {}
  const stream = call.streams.open({
    keyId: call.principal.keyId,
    stillAllowed: () => isStillAllowed(call.control, secret),
    onEnd: () => unsubscribe(),
  })
  try {
    unsubscribe = await call.streams.feed.subscribe({
      projectId: call.principal.projectId,
      after,
      deliver: (event) => {
        if (matches(event.type, types)) stream.send({ id: String(event.sequence), data: view(call, event) })
      },
    })
  } catch (error) {
    stream.end()
    throw error
  }
  if (stream.ended) unsubscribe()
  return stream.readable
}

const view = (call: Pick<Call, 'control'>, event: DomainEvent): View => cloudEvent(event, eventSource(call.control.settings))

const typesOf = (text: string | undefined): readonly string[] | undefined => text?.split(',').map((type) => type.trim())

const matches = (type: string, types: readonly string[] | undefined): boolean =>
  types === undefined || types.some((wanted) => (wanted.endsWith('.') ? type.startsWith(wanted) : type === wanted))
