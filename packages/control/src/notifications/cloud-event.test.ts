import { describe, expect, test } from 'vitest'
import type { DomainEvent } from '../journal/journal.ts'
import { cloudEvent, cloudEventText, eventSource } from './cloud-event.ts'

const event: DomainEvent = {
  sequence: 42,
  id: 'evt_1',
  projectId: 'prj_1',
  type: 'io.understudy.operations.started.v1',
  subject: 'operations/op_1',
  at: new Date('2026-01-02T03:04:05.678Z'),
  expiresAt: undefined,
  data: { id: 'op_1', text: 'ä' },
}

describe('a CloudEvent', () => {
  test('has the members of version 1.0', () =>
    expect(cloudEvent(event, 'https://understudy.example')).toEqual({
      specversion: '1.0',
      id: 'evt_1',
      source: 'https://understudy.example',
      type: 'io.understudy.operations.started.v1',
      subject: 'operations/op_1',
      time: '2026-01-02T03:04:05.678Z',
      recordedtime: '2026-01-02T03:04:05.678Z',
      sequence: '0000000000000042',
      datacontenttype: 'application/json',
      data: { id: 'op_1', text: 'ä' },
    }))
  test('names its attributes as the specification allows: lower-case letters and digits', () => {
    const names = Object.keys(cloudEvent({ ...event, expiresAt: new Date(0) }, 's'))
    expect(names).toContain('expirytime')
    for (const name of names) expect(name).toMatch(/^[a-z0-9]{1,20}$/)
  })
  test('has sequences that sort as texts', () => {
    const sequences = [9, 10, 99, 100, 2 ** 40].map((sequence) => cloudEvent({ ...event, sequence }, 's').sequence)
    expect(sequences.toSorted()).toEqual(sequences)
  })
  test('that is too long leaves its data out and says so, counting bytes and not characters', () => {
    const long = cloudEvent({ ...event, data: { id: 'op_1', text: 'ä'.repeat(11_000) } }, 's')
    const text = cloudEventText(long, 20_000)
    expect(Buffer.byteLength(text)).toBeLessThan(1000)
    expect(JSON.parse(text)).toMatchObject({ id: 'evt_1', datatruncated: true, data: { id: 'op_1' } })
    const short = cloudEvent(event, 's')
    expect(JSON.parse(cloudEventText(short, 20_000))).toEqual(short)
  })
  test('comes from the address of the installation, or from its name', () => {
    expect(eventSource({ installation: 'a b', publicUrl: 'https://x' })).toBe('https://x')
    expect(eventSource({ installation: 'a b' })).toBe('urn:understudy:a%20b')
  })
})
