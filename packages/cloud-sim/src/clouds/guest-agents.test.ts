import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, vi } from 'vitest'
import { startAzureCloud } from './azure-cloud.ts'

const patience = { timeout: 120_000, interval: 20 }

interface Body {
  readonly document: { readonly DocumentIncarnation: number; readonly Events: readonly { readonly EventStatus: string }[] }
}

it('hands in one document after the other, in their order, however late the first is taken', async () => {
  const arrived: Body[] = []
  const taken: Body[] = []
  let open = (): void => undefined
  const isOpen = new Promise<void>((resolve) => (open = resolve))
  const api = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as Body // as agents send it
      arrived.push(body)
      void isOpen.then(() => {
        taken.push(body)
        response.writeHead(201).end('{}')
      })
    })
  })
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const cloud = await startAzureCloud({ speed: 50, onInternalError: (error) => expect.fail(String(error)) })
  const ask = async (path: string, body: object) => (await cloud.control({ method: 'POST', path, text: JSON.stringify(body) })).body
  try {
    const url = `http://127.0.0.1:${(api.address() as AddressInfo).port}`
    await ask('/agents', { url, apiKey: 'usk_x', accountId: 'acc_x' })
    const { services } = (await ask('/seed', { name: 'web' })) as { readonly services: readonly { readonly nativeId: string }[] } // as it answers
    const { nativeId } = services[0]!
    await vi.waitUntil(() => [...cloud.dataCentre.instances.all()].some(({ state }) => state === 'running'), patience)
    await ask('/scheduled-event', { nativeId, code: 'system-reboot', startsInSeconds: 3600, lastsSeconds: 360_000 })
    await vi.waitUntil(() => arrived.length > 0, patience)
    await ask('/start-event', { nativeId })
    await ask('/finish-event', { nativeId })
    const laterMs = cloud.dataCentre.now() + 10_000
    await vi.waitUntil(() => cloud.dataCentre.now() > laterMs, patience)
    // Its agent has looked again, and waits.
    expect(arrived).toHaveLength(1)
    open()
    await vi.waitUntil(() => taken.at(-1)?.document.Events.length === 0, patience)
    expect(taken[0]?.document.Events).toMatchObject([{ EventStatus: 'Scheduled' }])
    const counts = taken.map(({ document }) => document.DocumentIncarnation)
    expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  } finally {
    await cloud.close()
    api.closeAllConnections()
    await new Promise((resolve) => api.close(resolve))
  }
})

it('is cut off when its machine ends, which is no error, and hands nothing in any more', async () => {
  const errors: unknown[] = []
  const api = createServer()
  await new Promise<void>((resolve) => api.listen(0, '127.0.0.1', resolve))
  const cloud = await startAzureCloud({ speed: 50, onInternalError: (error) => errors.push(error) })
  const ask = async (path: string, body: object) => (await cloud.control({ method: 'POST', path, text: JSON.stringify(body) })).body
  try {
    const { services } = (await ask('/seed', { name: 'web' })) as { readonly services: readonly { readonly nativeId: string }[] } // as it answers
    const { nativeId } = services[0]!
    await vi.waitUntil(() => [...cloud.dataCentre.instances.all()].some(({ state }) => state === 'running'), patience)
    await ask('/agents', { url: `http://127.0.0.1:${(api.address() as AddressInfo).port}`, apiKey: 'usk_x', accountId: 'acc_x' })
    const arrives = once(api, 'request')
    await ask('/scheduled-event', { nativeId, code: 'system-reboot', startsInSeconds: 3600, lastsSeconds: 360_000 })
    const [request] = (await arrives) as [IncomingMessage]
    const cutOff = once(request.socket, 'close')
    await cloud.close()
    await cutOff
  } finally {
    await cloud.close()
    api.closeAllConnections()
    await new Promise((resolve) => api.close(resolve))
  }
  expect(errors).toEqual([])
})
