import type { Exchange } from '@understudy/cloud-sim'
import { captured, newContext, until } from '@understudy/provider/conformance'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { restRules } from './testing/rest-rules.ts'
import { gcpWireWorld } from './testing/wire-world.ts'

const region = 'sim-west-1'
type World = Awaited<ReturnType<typeof gcpWireWorld>>
const exchanges: Exchange[] = []
let world: World
beforeAll(async () => {
  world = await gcpWireWorld({ onExchange: (exchange) => void exchanges.push(exchange) })
})
afterAll(async () => {
  await world.close()
})

const copies = () => world.provider.copies!
const aSet = async () => {
  const set = await captured(world, await world.makePrimary())
  return { set, members: (await world.provider.snapshots!.get(set))!.members } // as just taken
}
const usable = (ref: { readonly copyId: string; readonly region: string }) =>
  until(world, 'the copy is usable', async () => (await copies().get(ref))?.state === 'usable')
const imageOf = (nativeId: string) => world.server.project.images.find(({ id }) => `images/${id}` === nativeId)!
const inserted = (from: number) => exchanges.slice(from).filter(({ method, url }) => method === 'POST' && url.pathname.endsWith('/images'))
/** As somebody would by hand. */
async function post(path: string, body: object): Promise<{ readonly status: number; readonly reason: string }> {
  const { url, accessToken, project } = world.server
  const answer = await fetch(`${url}/compute/v1/projects/${project.id}/${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const { error } = (await answer.json()) as { readonly error?: { readonly errors: readonly { readonly reason: string }[] } }
  return { status: answer.status, reason: error?.errors[0]?.reason ?? '' }
}

describe('copies of snapshots, which are images', () => {
  it('have the bytes and our labels in their location, once, also when an answer was lost, and disks are made of them', async () => {
    const { set, members } = await aSet()
    const context = newContext()
    const from = exchanges.length
    world.server.dataCentre.faults.failNext('images.insert', { kind: 'reset_after' })
    await copies().copy(set, { region }, context)
    await world.freshProvider().copies!.copy(set, { region }, context)
    const ref = { copyId: context.idempotencyKey, region }
    const [first] = world.server.project.images
    const zone = `zones/${world.zoneOther}`
    const disk = { name: 'of-a-copy', type: `${zone}/diskTypes/pd-ssd`, sourceImage: `global/images/${first?.name}` }
    await usable(ref)
    const made = (await copies().get(ref))!.members
    expect(world.server.project.images).toHaveLength(members.length)
    expect(made.map(({ source }) => source).toSorted()).toEqual(members.map(({ snapshot }) => snapshot.nativeId).toSorted())
    const { blocks } = world.server.dataCentre
    for (const { nativeId, source } of made) {
      const { snapshotId, location } = imageOf(nativeId)
      const original = world.server.project.snapshots.find(({ id }) => `snapshots/${id}` === source)!
      expect(location).toBe(region)
      expect(blocks.read(snapshotId, 0, 64)).toEqual(blocks.read(original.snapshotId, 0, 64))
    }
    expect(inserted(from).map(({ requestBody }) => requestBody)).toContainEqual(
      expect.objectContaining({
        storageLocations: [region],
        labels: expect.objectContaining({ understudy_3amanaged: 'true', understudy_3aop: context.idempotencyKey }) as object,
      }),
    )
    expect(await post(`${zone}/disks`, disk)).toEqual({ status: 200, reason: '' })
    const { volumeId } = world.server.project.disk(world.zoneOther, 'of-a-copy')
    expect(blocks.read(volumeId, 0, 64)).toEqual(blocks.read(first!.snapshotId, 0, 64))
    // The snapshots may go: an image is whole.
    await world.provider.snapshots!.delete(set, newContext())
    expect(await copies().get(ref)).toMatchObject({ state: 'usable' })
    await copies().delete(ref, newContext())
    expect(world.server.project.images).toEqual([])
  })

  it('are made anew by the same key when the first ones have failed and were deleted', async () => {
    const { set } = await aSet()
    const context = newContext()
    const ref = { copyId: context.idempotencyKey, region }
    world.server.dataCentre.faults.failSnapshots(1)
    await copies().copy(set, { region }, context)
    await until(world, 'it has failed', async () => (await copies().get(ref))?.state === 'failed')
    await copies().delete(ref, newContext())
    expect(await copies().get(ref)).toBeUndefined()
    await world.advance(1_000)
    await copies().copy(set, { region }, context)
    await usable(ref)
    await copies().delete(ref, newContext())
  })

  it('are refused where a key encrypts nothing, and nothing is made; a key of no region goes along', async () => {
    const { set, members } = await aSet()
    const records = world.server.project.snapshots.filter(({ id }) => members.some(({ snapshot }) => snapshot.nativeId === `snapshots/${id}`))
    const withKeyOf = (location: string): void => {
      for (const record of records) Object.assign(record, { kmsKey: `projects/keys/locations/${location}/keyRings/ring/cryptoKeys/key` })
    }
    withKeyOf(world.provider.scope.region)
    await expect(copies().copy(set, { region }, newContext())).rejects.toMatchObject({ shape: { kind: 'unsupported', nativeCode: 'RegionalKey' } })
    expect(world.server.project.images).toEqual([])
    withKeyOf('global')
    const context = newContext()
    await copies().copy(set, { region }, context)
    expect(world.server.project.images.map(({ kmsKey }) => kmsKey)).toEqual(records.map(({ kmsKey }) => kmsKey))
    await copies().delete({ copyId: context.idempotencyKey, region }, newContext())
  })

  it('leave an image alone that has their name and is somebody else’s', async () => {
    const { set } = await aSet()
    const context = newContext()
    await copies().copy(set, { region }, context)
    for (const record of world.server.project.images) record.labels['understudy_3aop'] = 'theirs'
    await expect(copies().copy(set, { region }, context)).rejects.toMatchObject({ shape: { kind: 'idempotency_mismatch' } })
    await copies().delete({ copyId: context.idempotencyKey, region }, newContext())
    expect(world.server.project.images.length).toBeGreaterThan(0)
  })

  it('are refused as Compute Engine does when they are asked for in a wrong way', async () => {
    const { set } = await aSet()
    await expect(copies().copy(set, { region: 'atlantis' }, newContext())).rejects.toMatchObject({ shape: { kind: 'invalid' } })
    const sourceSnapshot = `global/snapshots/${world.server.project.snapshots.at(-1)?.name}`
    expect(await post('global/images', { name: 'two', sourceSnapshot, storageLocations: ['eu', 'us'] })).toEqual({ status: 400, reason: 'invalid' })
    expect(await post('global/images', { name: 'none', storageLocations: ['eu'] })).toEqual({ status: 400, reason: 'required' })
    expect(await post('global/images', { name: 'gone', sourceSnapshot: 'global/snapshots/gone', storageLocations: ['eu'] })).toMatchObject({
      status: 404,
    })
  })

  it('can be in every region that the project sees', async () => {
    expect(await copies().regions()).toEqual([world.provider.scope.region, region, 'sim-central-1', 'sim-east-1'])
  })
})

it('what went over the wire is what Google’s own descriptions allow', () => {
  const { problemsOf } = restRules()
  expect([...new Set(exchanges.filter(({ status }) => status < 400).flatMap(problemsOf))]).toEqual([])
})
