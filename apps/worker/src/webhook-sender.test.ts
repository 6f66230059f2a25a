import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createServer as createTcpServer } from 'node:net'
import { DeadlineExceeded, VirtualClock } from '@understudy/core'
import { afterEach, describe, expect, test } from 'vitest'
import { createWebhookSender } from './webhook-sender.ts'

const loopback = ['127.0.0.0/8', '::1/128']
const clock = new VirtualClock()
const open: Server[] = []
afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A server that keeps what it was asked and answers as told. */
async function receiver(answer: RequestListener): Promise<{ readonly port: number; readonly seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(parts).toString() })
      answer(request, response)
    })
  })
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, seen }
}

const requestTo = (url: string, signal = new AbortController().signal) => ({
  url,
  headers: { 'content-type': 'application/cloudevents+json; charset=utf-8', 'webhook-id': 'evt_1' },
  body: '{"text":"ä"}',
  signal,
})
const sender = (resolve?: (hostname: string) => Promise<readonly string[]>, allowedNetworks: readonly string[] = loopback) =>
  createWebhookSender({ allowedNetworks, clock, ...(resolve === undefined ? {} : { resolve }) })

describe('sending a webhook', () => {
  test('posts the exact body and headers', async () => {
    const { port, seen } = await receiver((_request, response) => response.writeHead(204).end())
    expect(await sender().send(requestTo(`http://127.0.0.1:${port}/hook?a=1`))).toEqual({ outcome: 'answered', statusCode: 204 })
    expect(seen).toHaveLength(1)
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/hook?a=1',
      body: '{"text":"ä"}',
      headers: { 'content-type': 'application/cloudevents+json; charset=utf-8', 'webhook-id': 'evt_1', 'content-length': '13' },
    })
  })

  test('follows no redirect', async () => {
    const target = await receiver((_request, response) => response.end())
    const { port } = await receiver((_request, response) => response.writeHead(307, { location: `http://127.0.0.1:${target.port}/` }).end())
    expect(await sender().send(requestTo(`http://127.0.0.1:${port}/`))).toEqual({ outcome: 'answered', statusCode: 307 })
    expect(target.seen).toEqual([])
  })

  test('says how long the endpoint asks to be left alone, in seconds or as a date', async () => {
    let retryAfter = '120'
    const { port } = await receiver((_request, response) => response.writeHead(503, { 'retry-after': retryAfter }).end())
    const url = `http://127.0.0.1:${port}/`
    expect(await sender().send(requestTo(url))).toEqual({ outcome: 'answered', statusCode: 503, retryAfterMs: 120_000 })
    retryAfter = new Date(clock.nowMs() + 60_000).toUTCString()
    expect(await sender().send(requestTo(url))).toEqual({ outcome: 'answered', statusCode: 503, retryAfterMs: 60_000 })
    retryAfter = 'soon'
    expect(await sender().send(requestTo(url))).toEqual({ outcome: 'answered', statusCode: 503 })
  })

  test('does not read an answer without end', async () => {
    let written = 0
    const { port } = await receiver((_request, response) => {
      const part = Buffer.alloc(64 * 1024)
      const write = (): void => {
        while (!response.destroyed && written < 512 * 1024 * 1024) {
          written += part.length
          if (!response.write(part)) {
            response.once('drain', write)
            return
          }
        }
      }
      response.writeHead(200)
      write()
    })
    expect(await sender().send(requestTo(`http://127.0.0.1:${port}/`))).toEqual({ outcome: 'answered', statusCode: 200 })
    expect(written).toBeLessThan(64 * 1024 * 1024)
  })

  test('gives up when its time is up, whether the endpoint or the resolver is silent', async () => {
    const { port, seen } = await receiver(() => undefined)
    const controller = new AbortController()
    const silentEndpoint = sender().send(requestTo(`http://127.0.0.1:${port}/`, controller.signal))
    await expect.poll(() => seen.length).toBe(1)
    controller.abort(new DeadlineExceeded(15_000))
    expect(await silentEndpoint).toEqual({ outcome: 'failed', reason: 'There was no answer within 15 s.', timedOut: true })

    const resolving = new AbortController()
    const silentResolver = sender(() => new Promise(() => undefined)).send(requestTo('http://example.com/', resolving.signal))
    resolving.abort(new DeadlineExceeded(15_000))
    expect(await silentResolver).toMatchObject({ outcome: 'failed', timedOut: true })
  })

  test('says in words what went wrong', async () => {
    const closed = await receiver((request) => request.socket.destroy())
    expect(await sender().send(requestTo(`http://127.0.0.1:${closed.port}/`))).toMatchObject({
      outcome: 'failed',
      timedOut: false,
      reason: expect.stringMatching(/^The connection was (closed|reset)/),
    })

    const unused = createTcpServer()
    await new Promise<void>((resolve) => unused.listen(0, '127.0.0.1', resolve))
    const { port } = unused.address() as AddressInfo
    await new Promise((resolve) => unused.close(resolve))
    expect(await sender().send(requestTo(`http://127.0.0.1:${port}/`))).toEqual({
      outcome: 'failed',
      reason: 'The connection was refused.',
      timedOut: false,
    })

    const noName = sender(() => Promise.reject(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })))
    expect(await noName.send(requestTo('http://nowhere.example/'))).toEqual({
      outcome: 'failed',
      reason: 'The name cannot be resolved.',
      timedOut: false,
    })
  })
})

describe('where webhooks do not go', () => {
  const unresolved = (): Promise<readonly string[]> => Promise.reject(new Error('it was resolved'))

  test.each([
    'http://127.0.0.1/',
    'http://0x7f.1/',
    'http://2130706433/',
    'http://0177.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:7f00:1]/',
    'http://169.254.169.254/',
    'http://localhost/',
    'file:///etc/passwd',
  ])('%s is refused without being looked up', async (url) =>
    expect(await sender(unresolved, []).send(requestTo(url))).toMatchObject({ outcome: 'refused' }),
  )

  test.each([
    ['a private one', ['10.0.0.1']],
    ['a public and a private one', ['93.184.216.34', '192.168.0.1']],
    ['a private one behind many', [...Array.from({ length: 20 }, (_, index) => `8.8.8.${index}`), '127.0.0.1']],
    ['a mapped loopback one', ['::ffff:127.0.0.1']],
    ['a metadata service', ['169.254.169.254']],
    ['no address at all', []],
  ])('a name with %s is refused', async (_what, addresses) => {
    const answer = await sender(() => Promise.resolve(addresses), []).send(requestTo('http://innocent.example/'))
    expect(answer.outcome).toBe('refused')
  })

  test('the metadata service is refused even where everything private is allowed', async () => {
    const everything = ['0.0.0.0/0', '::/0']
    expect(await sender(() => Promise.resolve(['169.254.169.254']), everything).send(requestTo('http://innocent.example/'))).toMatchObject({
      outcome: 'refused',
    })
  })

  test('a name that changes its address after the check changes nothing: it is resolved once, and connected to what was checked', async () => {
    const { port, seen } = await receiver((_request, response) => response.end())
    const asked: string[] = []
    const rebinding = sender((hostname) => {
      asked.push(hostname)
      // The second answer would lead elsewhere; nobody listens there.
      return Promise.resolve([asked.length === 1 ? '127.0.0.1' : '127.9.9.9'])
    })
    expect(await rebinding.send(requestTo(`http://rebinding.example:${port}/`))).toEqual({ outcome: 'answered', statusCode: 200 })
    expect(asked).toEqual(['rebinding.example'])
    expect(seen[0]?.headers.host).toBe(`rebinding.example:${port}`)
  })

  test('the second of two checked addresses is used when the first does not answer', async () => {
    const { port, seen } = await receiver((_request, response) => response.end())
    const answer = await sender(() => Promise.resolve(['127.9.9.9', '127.0.0.1'])).send(requestTo(`http://two.example:${port}/`))
    expect(answer).toEqual({ outcome: 'answered', statusCode: 200 })
    expect(seen).toHaveLength(1)
  })

  test('an address of IPv6 is taken out of its brackets to be checked', async () => {
    const asked: string[] = []
    const answer = await sender((hostname) => {
      asked.push(hostname)
      return Promise.resolve([hostname])
    }, []).send(requestTo('http://[2001:db8::1]/'))
    expect(answer).toEqual({ outcome: 'refused', reason: '2001:db8::1 is not the address of a host' })
    expect(asked).toEqual([])
  })
})
