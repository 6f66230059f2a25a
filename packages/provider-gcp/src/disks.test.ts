import type { Exchange } from '@understudy/cloud-sim'
import { sha256, sleep } from '@understudy/core'
import type { CallContext, DiskPlace, InstanceRef } from '@understudy/provider'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { restRules } from './testing/rest-rules.ts'
import { gcpWireWorld } from './testing/wire-world.ts'

const exchanges: Exchange[] = []
let world: Awaited<ReturnType<typeof gcpWireWorld>>
let keys = 0
beforeAll(async () => {
  world = await gcpWireWorld({ onExchange: (exchange) => void exchanges.push(exchange) })
}, 180_000)
afterAll(() => world.close())

const contextOf = (): CallContext => ({ idempotencyKey: sha256(`disks ${++keys}`).slice(0, 32), tags: {}, actor: 'test', priority: 'background' })

async function ask(verb: string, path: string, given?: object) {
  const { url, accessToken, project } = world.server
  const headers = { authorization: `Bearer ${accessToken}`, 'content-type': 'application/json' }
  const response = await fetch(`${url}/compute/v1/projects/${project.id}/${path}`, {
    method: verb,
    headers,
    ...(given === undefined ? {} : { body: JSON.stringify(given) }),
  })
  return (await response.json()) as { name: string; status: string; zone: string; error?: { errors: { reason: string }[] } } // of an operation, or a refusal
}

/** What Compute Engine says to a request: the reason of a refusal, or the state of the operation once it has ended. */
async function answer(method: string, path: string, body?: object): Promise<string> {
  const { clock } = world.server
  let seen = await ask(method, path, body)
  if (seen.error !== undefined) return seen.error.errors[0]?.reason ?? ''
  while (seen.status !== 'DONE') {
    await sleep(clock, 500)
    seen = await ask('GET', `zones/${seen.zone.split('/').pop()}/operations/${seen.name}`)
  }
  return seen.status
}
const at = ({ nativeId, zone }: InstanceRef, verb: string): string => `zones/${zone}/instances/${nativeId}/${verb}`
async function looseDisk(zone: string): Promise<string> {
  const name = `loose-${++keys}`
  expect(await answer('POST', `zones/${zone}/disks`, { name, sizeGb: '20' })).toBe('DONE')
  return `zones/${zone}/disks/${name}`
}
async function stopped(): Promise<InstanceRef> {
  const ref = await world.makePrimary()
  expect(await answer('POST', at(ref, 'stop'))).toBe('DONE')
  return ref
}
const disksOf = async (ref: InstanceRef) => (await world.provider.inventory.describe(ref))!.disks

describe('what Compute Engine does not allow', () => {
  it('a boot disk to leave an instance that runs, or a second one to come', async () => {
    const ref = await world.makePrimary()
    const [boot, data] = await disksOf(ref)
    expect(await answer('POST', at(ref, `detachDisk?deviceName=${boot!.deviceKey}`))).toBe('invalidResourceUsage')
    expect(await answer('POST', at(ref, `detachDisk?deviceName=${data!.deviceKey}`))).toBe('DONE')
    expect(await answer('POST', at(ref, 'attachDisk'), { source: await looseDisk(ref.zone!), boot: true })).toBe('invalidResourceUsage')
    expect(await answer('POST', at(ref, 'stop'))).toBe('DONE')
    expect(await answer('POST', at(ref, 'attachDisk'), { source: await looseDisk(ref.zone!), boot: true })).toBe('invalidResourceUsage')
  })

  it('a disk to stay because nobody asks what became of it', async () => {
    const ref = await world.makePrimary()
    const [boot, data] = await disksOf(ref)
    expect(await ask('POST', at(ref, `detachDisk?deviceName=${data!.deviceKey}`))).toMatchObject({ status: 'RUNNING' })
    await vi.waitFor(async () => expect((await disksOf(ref)).map(({ deviceKey }) => deviceKey)).toEqual([boot!.deviceKey]), { timeout: 60_000 })
  })

  it('an instance without a boot disk to start', async () => {
    const ref = await stopped()
    const [boot] = await disksOf(ref)
    expect(await answer('POST', at(ref, `detachDisk?deviceName=${boot!.deviceKey}`))).toBe('DONE')
    expect(await answer('POST', at(ref, 'start'))).toBe('invalidResourceUsage')
  })

  it('a disk of another zone, one in use, one that is not there, a device name that is taken or that nobody has', async () => {
    const [ref, other] = [await stopped(), await world.makePrimary()]
    const [, data] = await disksOf(ref)
    const [theirs] = world.server.project.instance(other.zone!, other.nativeId).disks
    const attach = (body: object): Promise<string> => answer('POST', at(ref, 'attachDisk'), body)
    expect(await attach({ source: await looseDisk(world.zoneOther) })).toBe('invalid')
    expect(await attach({ source: `zones/${ref.zone}/disks/${theirs!.name}` })).toBe('resourceInUseByAnotherResource')
    expect(await attach({ source: `zones/${ref.zone}/disks/nobody` })).toBe('notFound')
    expect(await attach({ source: await looseDisk(ref.zone!), deviceName: data!.deviceKey })).toBe('invalid')
    expect(await attach({})).toBe('required')
    expect(await answer('POST', at(ref, 'detachDisk?deviceName=nobody'))).toBe('invalid')
    expect(await answer('POST', at(ref, 'detachDisk'))).toBe('required')
  })

  it('any of it while the memory is kept: the adapter does not ask', async () => {
    const ref = await world.makePrimary()
    const places = (await disksOf(ref)).map(({ deviceKey, ref: disk, deleteWithInstance }) => ({ deviceKey, disk, deleteWithInstance }))
    expect(await answer('POST', at(ref, 'suspend'))).toBe('DONE')
    expect(await answer('POST', at(ref, `detachDisk?deviceName=${places[1]!.deviceKey}`))).toBe('resourceNotReady')
    await expect(world.provider.disks!.arrange(ref, places, contextOf())).rejects.toMatchObject({ shape: { kind: 'conflict' } })
  })
})

describe('an exchange', () => {
  const arranged = async (ref: InstanceRef, places: readonly DiskPlace[]): Promise<void> => {
    for (let round = 0; !(await world.freshProvider().disks!.arrange(ref, places, contextOf())).settled; round++) {
      if (round > 20) throw new Error('it does not settle')
    }
  }

  it('that ended between a boot disk’s leaving and the other’s coming is finished by another process, and the disk boots', async () => {
    const ref = await stopped()
    const before = await disksOf(ref)
    const places = before.map(({ deviceKey, ref: disk, deleteWithInstance }): DiskPlace => ({ deviceKey, disk, deleteWithInstance }))
    const from = exchanges.length
    expect(await answer('POST', at(ref, `detachDisk?deviceName=${before[0]!.deviceKey}`))).toBe('DONE')
    await arranged(ref, places)
    expect(await disksOf(ref)).toEqual(before)
    expect(before[0]?.role).toBe('root')
    // The SDK drops what its description does not know, and the front says nothing it does not know.
    const own = exchanges.slice(from).filter(({ url }) => /\/(attachDisk|detachDisk)$/.test(url.pathname))
    expect(own.length).toBeGreaterThan(1)
    const { problemsOf } = restRules()
    expect(own.flatMap(problemsOf)).toEqual([])
    expect(await answer('POST', at(ref, 'start'))).toBe('DONE')
  })

  it('says what becomes of a disk with its instance, and changes nothing else', async () => {
    const ref = await stopped()
    const before = (await disksOf(ref)).map(({ deviceKey, ref: disk, deleteWithInstance }): DiskPlace => ({ deviceKey, disk, deleteWithInstance }))
    const wanted = before.map((place) => ({ ...place, deleteWithInstance: !place.deleteWithInstance }))
    await arranged(ref, wanted)
    expect((await disksOf(ref)).map(({ deleteWithInstance }) => deleteWithInstance)).toEqual(
      wanted.map(({ deleteWithInstance }) => deleteWithInstance),
    )
  })
})
