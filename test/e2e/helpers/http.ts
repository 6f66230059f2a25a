import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body, when it is JSON; otherwise undefined. */
  // oxlint-disable-next-line typescript/no-explicit-any -- a test looks into whatever came
  readonly json: any
}

export interface Ask {
  readonly key?: string | undefined
  /** Sent as it is when it is a text; otherwise as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One request over HTTP, as a client nobody here wrote would send it. Hanging counts as a failure: it gives up after 15 s. */
export async function ask(method: string, url: string, { key, body, headers = {} }: Ask = {}): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(method === 'GET' ? {} : { 'idempotency-key': randomUUID() }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(120_000),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, json: parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // not every answer is JSON; the test says what it expected
  }
}

/** What only a bug would show: stack traces, paths of ours, the generic failure. */
const insides = /node_modules|\.ts:\d|\n\s+at |packages\/|apps\/|"code":"internal"/

/** A refusal as RFC 9457 has it, specific, with nothing of our insides. */
export function expectProblem(answer: Answer, status: number, code: string, ...pointers: readonly string[]): void {
  expect(answer.json, answer.text).toMatchObject({ status, code, type: expect.stringContaining(`#${code}`) as unknown })
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  expect(answer.json.detail.length, answer.text).toBeGreaterThan(10)
  expect(answer.json.requestId).toBe(answer.headers.get('x-request-id'))
  expectNoInsides(answer.text)
  expect((answer.json.errors ?? []).map((error: { pointer: string }) => error.pointer)).toEqual(expect.arrayContaining([...pointers]))
}

export function expectNoInsides(text: string): void {
  expect(text).not.toMatch(insides)
}
