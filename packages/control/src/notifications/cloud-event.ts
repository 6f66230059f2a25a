import type { Json } from '@understudy/core'
import type { ControlSettings } from '../context.ts'
import type { DomainEvent } from '../journal/journal.ts'

/** CloudEvents 1.0, structured JSON. `recordedtime`, `expirytime` and `sequence` are the registered extensions of those names. */
export interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  readonly time: string
  readonly recordedtime: string
  readonly expirytime?: string
  /** As many digits for every event, so that comparing the texts compares the numbers. */
  readonly sequence: string
  readonly datacontenttype: 'application/json'
  /** True when `data` was too large for this channel; `GET /v1/events` has all of it. */
  readonly datatruncated?: boolean
  readonly data: Json
}

const sequenceDigits = 16

/** `source` and `id` together name an event, so every channel has to use the same source: see `eventSource`. */
export function cloudEvent(event: DomainEvent, source: string): CloudEvent {
  return {
    specversion: '1.0',
    id: event.id,
    source,
    type: event.type,
    subject: event.subject,
    time: event.at.toISOString(),
    // Events are written in the transaction of what they tell of.
    recordedtime: event.at.toISOString(),
    ...(event.expiresAt === undefined ? {} : { expirytime: event.expiresAt.toISOString() }),
    sequence: String(event.sequence).padStart(sequenceDigits, '0'),
    datacontenttype: 'application/json',
    data: event.data,
  }
}

/** Where this installation's events come from: its own address, or a name when it has none. */
export const eventSource = (settings: Pick<ControlSettings, 'installation' | 'publicUrl'>): string =>
  settings.publicUrl ?? `urn:understudy:${encodeURIComponent(settings.installation)}`

/** The text of an event that is not longer than `bytesMax`: data that does not fit is left out, and the event says so. */
export function cloudEventText(event: CloudEvent, bytesMax: number): string {
  const text = JSON.stringify(event)
  if (Buffer.byteLength(text) <= bytesMax) return text
  const { data } = event
  const id = typeof data === 'object' && data !== null && 'id' in data && typeof data.id === 'string' ? { id: data.id } : {}
  return JSON.stringify({ ...event, datatruncated: true, data: id })
}
