import { startAzureServer } from '@understudy/cloud-sim'
import type { AzureServer } from '@understudy/cloud-sim'
import type { Provider } from '@understudy/provider'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readFileSync } from 'node:fs'
import { createAzureProvider } from './azure-provider.ts'
import { needed } from './permissions.ts'
import { settingsFor } from './testing/wire-world.ts'

let server: AzureServer
let provider: Provider
beforeAll(async () => {
  server = await startAzureServer()
  provider = createAzureProvider(settingsFor(server))
}, 180_000)
afterAll(async () => {
  await provider.close()
  await server.close()
})
beforeEach(() => server.state.denied.clear())

const check = async (...denied: readonly string[]) => {
  for (const action of denied) server.state.denied.add(action.toLowerCase())
  return (await provider.permissions?.check()) ?? []
}

describe('permissions', () => {
  it('are all granted where nothing is denied', async () => {
    const findings = await check()
    expect(findings.length).toBeGreaterThan(15)
    expect(findings.filter(({ outcome }) => outcome !== 'granted')).toEqual([])
  })

  it.each([
    ['compute', 'Microsoft.Compute/virtualMachines/write'],
    ['compute', 'Microsoft.Compute/virtualMachines/start/action'],
    ['inventory', 'Microsoft.Compute/disks/read'],
    ['labels', 'Microsoft.Authorization/locks/write'],
  ])('of %s: %s is missing when it is denied, and nothing else is', async (capability, permission) => {
    expect((await check(permission)).filter(({ outcome }) => outcome !== 'granted')).toEqual([{ capability, permission, outcome: 'missing' }])
  })

  it('of a whole type that a role takes away are missing one by one', async () => {
    const missing = (await check('Microsoft.Network/networkInterfaces/*')).filter(({ outcome }) => outcome === 'missing')
    expect(missing.map(({ permission }) => permission).toSorted()).toEqual(
      ['delete', 'join/action', 'read', 'write'].map((verb) => `Microsoft.Network/networkInterfaces/${verb}`),
    )
  })

  it('of a network that may be in another group are unproven', async () => {
    const findings = await check('Microsoft.Network/virtualNetworks/subnets/join/action')
    expect(findings.filter(({ outcome }) => outcome !== 'granted')).toMatchObject([
      { outcome: 'unproven', reason: expect.stringContaining('another') },
    ])
  })

  it('that are denied are refused by the calls that need them, with their name', async () => {
    server.state.denied.add('microsoft.compute/virtualmachines/read')
    const list = async () => {
      for await (const _instance of provider.inventory.list({})) break
    }
    await expect(list()).rejects.toMatchObject({
      shape: { kind: 'unauthorized', message: expect.stringContaining("'Microsoft.Compute/virtualMachines/read'") },
    })
  })
})

it('are those of the role in the documentation, which has beside them only what asking takes', () => {
  const documentation = readFileSync(new URL('../../../docs/clouds/azure.md', import.meta.url), 'utf8')
  const [, json = '{}'] = /```json\n([\s\S]*?)```/.exec(documentation) ?? []
  const { Actions } = JSON.parse(json) as { readonly Actions: readonly string[] } // a role definition
  const asking = ['Microsoft.Resources/subscriptions/read', 'Microsoft.Authorization/permissions/read']
  expect(Actions.toSorted()).toEqual([...asking, ...Object.values(needed).flat()].toSorted())
})

describe('an account that cannot be verified', () => {
  it.each([
    ['a subscription that is not there', { scope: { account: '99999999-0000-0000-0000-000000000000', region: 'westeurope' } }, 'not_found'],
    [
      'a wrong secret',
      {
        credentials: {
          source: 'client-secret',
          tenantId: '99999999-0000-0000-0000-000000000001',
          clientId: '99999999-0000-0000-0000-000000000002',
          clientSecret: 'a-secret-that-must-not-appear',
        },
      },
      'unauthorized',
    ],
    ['an endpoint that nobody serves', { endpoint: 'https://127.0.0.1:9' }, 'unavailable'],
  ] as const)('for %s says so, and nothing secret', async (_why, wrong, kind) => {
    const broken = createAzureProvider({ ...settingsFor(server), ...wrong })
    const refused: unknown = await broken.identify().catch((error: unknown) => error)
    expect(refused).toMatchObject({ shape: { kind } })
    expect(String(refused)).not.toContain('must-not-appear')
    await broken.close()
  })
})
