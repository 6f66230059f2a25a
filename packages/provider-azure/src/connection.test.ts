import { startAzureServer } from '@understudy/cloud-sim'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { azureAdapter } from './azure-adapter.ts'
import { createAzureProvider } from './azure-provider.ts'
import type { AzureSettings } from './settings.ts'
import { settingsFor } from './testing/wire-world.ts'

type Sim = Awaited<ReturnType<typeof startAzureServer>>
let sim: Sim
/** Somebody else's server, with a certificate that is trusted. */
let other: Server
let asked: string[] = []
let otherUrl = ''
beforeAll(async () => {
  sim = await startAzureServer({ speed: 200 })
  other = createServer({ key: sim.key, cert: sim.ca }, (request, response) => {
    asked.push(request.url ?? '')
    const elsewhere = `${sim.url}/elsewhere`
    if (request.url?.includes('/virtualMachines') === true) response.end(JSON.stringify({ value: [], nextLink: elsewhere }))
    else response.writeHead(302, { location: elsewhere }).end()
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  otherUrl = `https://127.0.0.1:${(other.address() as AddressInfo).port}`
})
afterAll(async () => {
  other.close()
  await sim.close()
})

const identify = async (more: Partial<AzureSettings>): Promise<unknown> => {
  asked = []
  const provider = createAzureProvider(settingsFor(sim, more))
  try {
    return await provider.identify()
  } catch (error) {
    return error
  } finally {
    await provider.close()
  }
}
const refused = { shape: { kind: 'invalid', nativeCode: 'ADDRESS_REFUSED' } }
const named = (url: string): string => url.replace('127.0.0.1', 'localhost')

describe('addresses', () => {
  it.each([
    ['an endpoint', 'endpoint'],
    ['an authority', 'authority'],
  ] as const)('%s that the guard refuses is never connected to, by name or by number', async (_what, setting) => {
    // Only the other server is refused: whatever the adapter asks of the simulated Azure before is answered.
    const guard = (): string => 'is a metadata address'
    expect(await identify({ [setting]: otherUrl, guard })).toMatchObject(refused)
    expect(await identify({ [setting]: named(otherUrl), guard })).toMatchObject(refused)
    expect(asked).toEqual([])
  })

  it('a token goes nowhere but to the endpoint, whatever its answers name: a next page, a redirection', async () => {
    const provider = createAzureProvider(settingsFor(sim, { endpoint: otherUrl }))
    const listed = async (): Promise<void> => {
      for await (const _summary of provider.inventory.list({}));
    }
    await expect(listed()).rejects.toMatchObject(refused)
    await expect(provider.identify()).rejects.toMatchObject({ shape: { kind: 'unavailable' } })
    await provider.close()
  })

  it('the identity of the machine is carried to Azure only', () => {
    const settings = { resourceGroup: 'g', endpoint: 'https://elsewhere.example' }
    const problems = (source: string, more = {}) =>
      azureAdapter.validate({ settings: { ...settings, ...more }, credentials: { source, ...(source === 'workload-identity' ? ids : {}) } })
    const ids = { tenantId: sim.application.tenant, clientId: sim.application.clientId }
    expect(problems('managed-identity')).toMatchObject([{ pointer: '/settings/endpoint' }])
    expect(problems('workload-identity', { endpoint: 'https://management.usgovcloudapi.net', authority: 'https://login.example' })).toMatchObject([
      { pointer: '/settings/authority' },
    ])
    expect(
      problems('workload-identity', { endpoint: 'https://management.usgovcloudapi.net', authority: 'https://login.microsoftonline.us' }),
    ).toEqual([])
    const secret = { source: 'client-secret', ...ids, clientSecret: 'x' }
    expect(azureAdapter.validate({ settings, credentials: secret })).toEqual([])
  })

  it('expected seconds and limits of an account are read', () => {
    const credentials = { source: 'managed-identity' }
    const settings = (more: object) => ({ resourceGroup: 'g', ...more })
    expect(
      azureAdapter.validate({
        settings: settings({ expectedSeconds: { launch: 90 }, limits: { read: { capacity: 10, refillPerSecond: 1 } } }),
        credentials,
      }),
    ).toEqual([])
    expect(azureAdapter.validate({ settings: settings({ expectedSeconds: { launch: -1 } }), credentials })).toMatchObject([
      { pointer: '/settings/expectedSeconds/launch' },
    ])
  })
})
