import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aTenant } from '../../testing/tenant.ts'
import type { Tenant } from '../../testing/tenant.ts'
import { startTestApp } from '../../testing/test-app.ts'
import type { TestApp } from '../../testing/test-app.ts'

let api: TestApp
let ours: Tenant
let theirs: Tenant
beforeAll(async () => {
  api = await startTestApp()
  ours = await aTenant(api, 'ours')
  theirs = await aTenant(api, 'theirs')
})
afterAll(() => api.close())

const place = (accountId: string, more: object = {}): object => ({
  accountId,
  definition: { image: 'ami-1', vcpus: 64, memoryMiB: 262_144, subnet: 'subnet-1', ...more },
})

describe('a shadow in another account', () => {
  let asked = 0
  const protect = async (tier: object, key: string = ours.keys.operator, more: Parameters<typeof ours.aResource>[0] = {}) => {
    const resource = await ours.aResource(more)
    asked += 1
    const headers = { 'idempotency-key': `elsewhere-${asked}`, 'if-match': '"1"' }
    const payload = { tier: { readiness: 'hot', ...tier } }
    const { status, json, text } = await api.inject({ method: 'POST', url: `/v1/resources/${resource.id}:protect`, key, headers, payload })
    const pointers = (json.errors ?? []).map(({ pointer }: { pointer: string }) => pointer) as readonly string[]
    return { status, pointers, json, text, id: resource.id }
  }

  test('is not promised by a viewer, nor by somebody of another project', async () => {
    const { id } = await ours.anAccount()
    expect((await protect({ elsewhere: [place(id)] }, ours.keys.viewer)).status).toBe(403)
    expect((await protect({ elsewhere: [place(id)] }, theirs.keys.operator)).status).toBe(404)
  })

  test('is not promised in an account of another project, which is not told from one that does not exist', async () => {
    const { id } = await theirs.anAccount()
    for (const accountId of [id, 'acc_00000000000000000000'])
      expect(await protect({ elsewhere: [place(accountId)] })).toMatchObject({ status: 400, pointers: ['/tier/elsewhere/0/accountId'] })
  })

  test('is refused where the cloud leads no traffic to it, with the member that is wrong', async () => {
    const { id } = await ours.anAccount()
    const traffic = { mechanism: 'lb-weight', native: {} } as const
    const { status, pointers } = await protect({ elsewhere: [place(id)] }, ours.keys.operator, { traffic })
    expect(status).toBe(422)
    expect(pointers).toContain('/tier/elsewhere')
  })

  test('is refused with boot data that is not kept, and nothing at all is no tier', async () => {
    const { id } = await ours.anAccount()
    const forgotten = place(id, { bootData: { sha256: 'a'.repeat(64) } })
    expect(await protect({ elsewhere: [forgotten] })).toMatchObject({ status: 400, pointers: ['/tier/elsewhere/0/definition/bootData/sha256'] })
    expect(await protect({ shadows: 0 })).toMatchObject({ status: 400, pointers: ['/tier/shadows'] })
  })

  test('is promised with boot data that no read shows, and that its hash leaves as it is', async () => {
    const admin = { name: 'far', provider: 'sim', region: 'sim-east-1', settings: {}, credentials: {} }
    const { id: accountId } = await ours.anAccount(admin)
    const size = { vcpus: 2, memoryMiB: 8192 }
    const text = '#cloud-config\nwrite_files: [{path: /etc/token, content: s3cret-s3cret}]'
    const made = await protect({ shadows: 0, elsewhere: [place(accountId, { ...size, bootData: { text } })] })
    expect(made.status, made.text).toBe(200)
    const { bootData } = made.json.tier.elsewhere[0].definition
    expect(bootData).toEqual({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    const url = `/v1/resources/${made.id}`
    const read = await api.inject({ method: 'GET', url, key: ours.keys.viewer })
    const audit = await api.inject({ method: 'GET', url: '/v1/audit', key: ours.keys.admin })
    const events = await api.inject({ method: 'GET', url: '/v1/events?pageSize=1000', key: ours.keys.viewer })
    for (const answer of [made, read, audit, events]) {
      expect(answer.status, answer.text).toBe(200)
      expect(answer.text).not.toContain('s3cret')
    }
    const headers = { 'idempotency-key': 'elsewhere-again', 'if-match': read.json.etag as string }
    const again = await api.inject({
      method: 'POST',
      url: `${url}:protect`,
      key: ours.keys.operator,
      headers,
      payload: { tier: read.json.tier as object },
    })
    expect(again.status, again.text).toBe(200)
    expect(again.json.tier.elsewhere[0].definition.bootData).toEqual(bootData)
    const sealed = await api.control.database.stores.bootData.get({ resourceId: made.id, accountId })
    expect(api.control.vault.open(sealed!, `${made.id}/${accountId}`)).toBe(text) // kept, as just seen
    const none = await protect({ shadows: 0, elsewhere: [place(accountId, { ...size, vcpus: 1000 })] })
    expect(none).toMatchObject({ status: 400, pointers: ['/tier/elsewhere/0/definition'] })
  })
})
