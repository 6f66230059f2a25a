import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type GoogleServer, startGoogleServer } from './google-server.ts'
import { seededGoogleImage } from './seed.ts'

let server: GoogleServer
beforeAll(async () => {
  server = await startGoogleServer({ speed: 500 })
})
afterAll(async () => {
  await server.close()
})

const zone = 'europe-west1-b'
async function call(method: string, path: string, body?: object) {
  const answer = await fetch(`${server.url}/compute/v1/projects/${server.project.id}${path}`, {
    method,
    headers: { authorization: `Bearer ${server.accessToken}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const read = (await answer.json()) as { readonly name?: string; readonly error?: { readonly errors?: readonly { readonly reason: string }[] } } // an operation, or an error document
  return { status: answer.status, reason: read.error?.errors?.[0]?.reason, name: read.name }
}
const vm = (name: string, more: object = {}) => ({
  name,
  machineType: `zones/${zone}/machineTypes/e2-small`,
  disks: [{ boot: true, initializeParams: { sourceImage: `projects/sim-images/global/images/${seededGoogleImage}` } }],
  ...more,
})
const insert = (body: object, query = '') => call('POST', `/zones/${zone}/instances${query}`, body)

describe('Compute Engine refuses', () => {
  it.each([
    ['a name that is none', vm('Not_A_Name'), 400, 'invalid'],
    ['a machine type of another zone', vm('a', { machineType: 'zones/europe-west1-c/machineTypes/e2-small' }), 400, 'invalid'],
    ['a machine type nobody knows', vm('a', { machineType: `zones/${zone}/machineTypes/z9` }), 400, 'invalid'],
    ['labels in capitals', vm('a', { labels: { Team: 'shop' } }), 400, 'invalid'],
    ['an instance without disks', vm('a', { disks: [] }), 400, 'required'],
    ['a spot instance that restarts by itself', vm('a', { scheduling: { provisioningModel: 'SPOT', automaticRestart: true } }), 400, 'invalid'],
  ])('%s', async (_what, body, status, reason) => {
    expect(await insert(body)).toMatchObject({ status, reason })
  })

  it('a zone, a path and a request id that do not exist', async () => {
    expect(await call('GET', '/zones/europe-west1-a/instances/x')).toMatchObject({ status: 404, reason: 'notFound' })
    expect(await call('GET', '/zones/europe-west1-b/teapots/x')).toMatchObject({ status: 404 })
    expect(await insert(vm('b'), '?requestId=00000000-0000-0000-0000-000000000000')).toMatchObject({ status: 400, reason: 'invalid' })
  })

  it('a name twice, but not a request twice', async () => {
    const requestId = '?requestId=6f1c2d34-0000-4000-8000-000000000001'
    const first = await insert(vm('twice'), requestId)
    expect(await insert(vm('twice'), requestId)).toMatchObject({ status: 200, name: first.name })
    expect(await insert(vm('twice'))).toMatchObject({ status: 409, reason: 'alreadyExists' })
  })

  it('a body that is larger than it takes, which is not an empty one', async () => {
    const metadata = { items: [{ key: 'user-data', value: 'x'.repeat(1_100_000) }] }
    expect(await insert(vm('large', { metadata }))).toMatchObject({ status: 413, reason: 'uploadTooLarge' })
  })

  it('an operation by its number', async () => {
    const { name = '' } = await insert(vm('numbered'))
    expect((await call('POST', `/zones/${zone}/operations/${name}/wait`)).status).toBe(200)
    expect((await call('GET', `/zones/${zone}/operations/${name.split('-').at(-1)}`)).status).toBe(404)
  })

  it('the resizing of what runs, the end of what is protected, and labels under an old fingerprint', async () => {
    const { name = '' } = await insert(vm('kept', { deletionProtection: true }))
    await call('POST', `/zones/${zone}/operations/${name}/wait`)
    const at = `/zones/${zone}/instances/kept`
    expect(await call('POST', `${at}/setMachineType`, { machineType: `zones/${zone}/machineTypes/e2-medium` })).toMatchObject({
      status: 400,
      reason: 'resourceNotReady',
    })
    expect(await call('DELETE', at)).toMatchObject({ status: 400, reason: 'invalidResourceUsage' })
    expect(await call('POST', `${at}/setLabels`, { labels: {}, labelFingerprint: 'old' })).toMatchObject({ status: 412, reason: 'conditionNotMet' })
    expect(await call('POST', `${at}/resume`)).toMatchObject({ status: 400 })
  })
})
