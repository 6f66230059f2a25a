import { startGoogleServer } from '@understudy/cloud-sim'
import type { GoogleServer } from '@understudy/cloud-sim'
import { seededRandom } from '@understudy/core'
import type { Provider } from '@understudy/provider'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createGcpProvider } from './gcp-provider.ts'

let server: GoogleServer
let provider: Provider
beforeAll(async () => {
  server = await startGoogleServer()
  provider = createGcpProvider({
    scope: { account: server.project.id, region: server.region },
    credentials: { accessToken: server.accessToken },
    endpoint: server.url,
    installation: 'verifying',
    clock: server.clock,
    random: seededRandom(1),
  })
}, 180_000)
afterAll(async () => {
  await provider.close()
  await server.close()
})
beforeEach(() => server.project.denied.clear())

const missing = async (...denied: readonly string[]): Promise<readonly string[]> => {
  for (const permission of denied) server.project.denied.add(permission)
  const findings = (await provider.permissions?.check()) ?? []
  return findings.filter(({ outcome }) => outcome === 'missing').map(({ capability, permission }) => `${capability} ${permission}`)
}

describe('permissions', () => {
  it('are all granted where nothing is denied', async () => {
    const findings = (await provider.permissions?.check()) ?? []
    expect(findings.length).toBeGreaterThan(40)
    expect(findings.filter(({ outcome }) => outcome !== 'granted')).toEqual([])
  })

  it.each([
    ['compute compute.instances.create'],
    ['inventory compute.instances.list'],
    ['labels compute.disks.setLabels'],
    ['traffic compute.backendServices.update'],
    ['snapshots compute.instantSnapshotGroups.create'],
  ])('%s is missing when it is denied, and nothing else is', async (named) => {
    expect(await missing(named.split(' ')[1] ?? '')).toEqual([named])
  })

  it('that networks and images grant elsewhere are unproven, not missing', async () => {
    expect(await missing('compute.subnetworks.use', 'compute.images.useReadOnly')).toEqual([])
    const findings = (await provider.permissions?.check()) ?? []
    expect(findings.filter(({ outcome }) => outcome === 'unproven').map(({ permission }) => permission)).toEqual([
      'compute.images.useReadOnly',
      'compute.subnetworks.use',
    ])
  })

  it('that are denied are refused by the calls that need them, with their name', async () => {
    server.project.denied.add('compute.instances.list')
    const list = async () => {
      for await (const _instance of provider.inventory.list({})) break
    }
    await expect(list()).rejects.toMatchObject({ shape: { kind: 'unauthorized', message: expect.stringContaining("'compute.instances.list'") } })
  })
})
