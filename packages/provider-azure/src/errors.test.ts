import { describe, expect, it } from 'vitest'
import { startAzureServer } from '@understudy/cloud-sim'
import { call } from './adapter.ts'
import { azureClients } from './clients.ts'
import { translate } from './errors.ts'
import { createAzureProvider } from './azure-provider.ts'
import { settingsFor } from './testing/wire-world.ts'

const lro = (text: string): Error => new Error(`The long-running operation has failed. ${text}`)

describe('errors', () => {
  it('find the code of a failed operation, which the SDK leaves in the message only', () => {
    const { kind, shape } = translate(lro('AllocationFailed. no room'), {}, { zone: '2' })
    expect(kind).toBe('insufficient_capacity')
    expect(shape).toMatchObject({ nativeCode: 'AllocationFailed', avoid: { zone: '2', ttlMs: 3_600_000 }, retryable: false })
  })

  it('tell a quota from a state by the inner details, which the SDK drops', () => {
    const outer = { code: 'OperationNotAllowed', message: 'The operation is not allowed.' }
    const details = [{ code: 'QuotaExceeded', message: 'Operation results in exceeding approved Total Regional Cores quota.' }]
    expect(translate(new Error('x'), { status: 409, error: { ...outer, details } }).kind).toBe('quota_exceeded')
    expect(translate(new Error('x'), { status: 409, error: { ...outer, details: [] } }).kind).toBe('conflict')
  })

  it('say when to return after a throttle, and that a lost answer may have taken effect', () => {
    expect(translate(new Error('x'), { status: 429, retryAfterMs: 2_000 }).shape).toMatchObject({
      kind: 'throttled',
      retryAfterMs: 2_000,
      retryable: true,
    })
    expect(translate(Object.assign(new Error('x'), { code: 'ECONNRESET' }), {}).shape).toMatchObject({ kind: 'unavailable', ambiguous: true })
    expect(translate(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), {}).shape.ambiguous).toBeUndefined()
  })

  it('tell an authority that cannot be reached from one that refuses, and from a tenant that it does not know', async () => {
    const server = await startAzureServer({ speed: 200 })
    const settings = settingsFor(server)
    const failing = async (more: Partial<typeof settings>): Promise<unknown> => {
      const provider = createAzureProvider({ ...settings, ...more })
      try {
        return await provider.identify().catch((error: unknown) => error)
      } finally {
        await provider.close()
      }
    }
    try {
      expect(await failing({ authority: 'https://127.0.0.1:9' })).toMatchObject({
        shape: { kind: 'unavailable', nativeCode: 'ECONNREFUSED' },
        message: expect.stringContaining('127.0.0.1:9 cannot be reached'),
      })
      expect(await failing({ endpoint: 'https://127.0.0.1:9' })).toMatchObject({ shape: { kind: 'unavailable', nativeCode: 'ECONNREFUSED' } })
      const { clientId, clientSecret } = server.application
      const tenantId = '00000000-0000-4000-8000-00000000dead'
      expect(await failing({ credentials: { source: 'client-secret', tenantId, clientId, clientSecret } })).toMatchObject({
        shape: { kind: 'unauthorized' },
      })
    } finally {
      await server.close()
    }
  })

  it('are those of the wire: a wrong secret, another subscription, a field that is missing', async () => {
    const server = await startAzureServer({ speed: 200 })
    const settings = settingsFor(server)
    const wrong = createAzureProvider({
      ...settings,
      credentials: { source: 'client-secret', tenantId: server.application.tenant, clientId: server.application.clientId, clientSecret: 'not-it' },
    })
    const elsewhere = createAzureProvider({ ...settings, scope: { ...settings.scope, account: server.application.tenant } })
    const clients = azureClients(settings)
    try {
      const refusal = await wrong.identify().catch((error: unknown) => error)
      expect(refusal).toMatchObject({ shape: { kind: 'unauthorized' } })
      expect(String(refusal)).not.toContain('not-it')
      await expect(elsewhere.identify()).rejects.toMatchObject({ shape: { kind: 'not_found', nativeCode: 'SubscriptionNotFound' } })
      const missing = { location: 'westeurope', creationData: { createOption: 'Empty' } }
      await expect(call(async () => clients.compute.disks.createOrUpdate('g', 'd', missing))).rejects.toMatchObject({
        shape: { kind: 'invalid', httpStatus: 400 },
      })
    } finally {
      clients.destroy()
      await wrong.close()
      await elsewhere.close()
      await server.close()
    }
  })
})
