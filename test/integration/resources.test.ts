import {
  deleteResource,
  getDna,
  getResource,
  holdResource,
  importResource,
  isHeld,
  isRedacted,
  listResources,
  refreshResource,
  releaseHold,
  updateResource,
} from '@understudy/control'
import type { Account, Resource } from '@understudy/control'
import { beforeAll, describe, expect, test } from 'vitest'
import { kindOf, refusalOf, useRooms } from './rooms.ts'

const rooms = useRooms()
let account: Account
beforeAll(async () => {
  account = await rooms().newAccount(rooms().us)
})

const tagsOf = (nativeId: string) => rooms().dc.instances.get(nativeId)?.tags

async function imported(name: string): Promise<Resource> {
  const { control, us, newService, finish } = rooms()
  const { nativeId, traffic } = newService(name)
  const { status, error } = await finish(await importResource(control, us.operator, { accountId: account.id, nativeId, name, traffic }))
  expect({ status, error }).toEqual({ status: 'succeeded', error: undefined })
  const [resource] = await control.database.stores.resources.findByNativeIds(account.id, [nativeId])
  if (resource === undefined) throw new Error(`${nativeId} was not imported`)
  return resource
}

describe('importing an instance', () => {
  test('stores its definition without secrets, marks it with our tags, and changes nothing else', async () => {
    const { control, us, dc, newService, finish } = rooms()
    const { nativeId, traffic } = newService('plain', { team: 'web', dbPassword: 'hunter2' })
    const before = structuredClone({ ...dc.instances.get(nativeId), tags: undefined })
    const membersBefore = await rooms().drive(rooms().provider.traffic!.state(traffic))
    const started = await importResource(control, us.operator, { accountId: account.id, nativeId, traffic, labels: { tier: 'one' } })
    const ended = await finish(started)
    expect(ended).toMatchObject({ status: 'succeeded', error: undefined })
    const { resourceIds } = (ended.output as { imported: { resourceIds: string[] } }).imported
    expect(resourceIds).toHaveLength(1)
    const resource = await getResource(control, us.viewer, { id: resourceIds[0]! })
    expect(resource).toMatchObject({
      name: 'plain',
      nativeId,
      accountId: account.id,
      status: 'unprotected',
      primaryEpoch: 1,
      labels: { tier: 'one' },
      traffic,
      zone: 'sim-east-1a',
    })
    const { dna, dnaHash } = await getDna(control, us.viewer, { id: resource.id })
    expect(dnaHash).toBe(resource.dnaHash)
    expect(dna.tags['team']).toBe('web')
    expect(isRedacted(dna.tags['dbPassword'] ?? '')).toBe(true)
    expect(tagsOf(nativeId)).toMatchObject({
      Name: 'plain',
      'understudy:managed': 'true',
      'understudy:role': 'primary',
      'understudy:resource': resource.id,
      'understudy:installation': 'test',
    })
    expect(structuredClone({ ...dc.instances.get(nativeId), tags: undefined })).toEqual(before)
    expect(await rooms().drive(rooms().provider.traffic!.state(traffic))).toEqual(membersBefore)

    const entries = await control.database.stores.audit.list(us.projectId, { after: 0, limit: 100, operationId: started.id })
    expect(entries.map(({ action, target }) => `${action} ${target}`)).toEqual([
      `resources.import_requested ${account.id}`,
      `resources.imported ${resource.id}`,
      `labels.tag ${nativeId}`,
    ])
  })

  test('never lets boot data into the database, its log and its events included', async () => {
    const { control, us, dc, finish } = rooms()
    const secret = Buffer.from('#!/bin/sh\nexport TOKEN=correct-horse-battery').toString('base64')
    const { nativeId } = rooms().newService('boots', {}, secret)
    expect(dc.instances.get(nativeId)).toMatchObject({ userData: secret })
    const ended = await finish(await importResource(control, us.operator, { accountId: account.id, nativeId }))
    expect(ended.status).toBe('succeeded')
    const resource = (await control.database.stores.resources.findByNativeIds(account.id, [nativeId]))[0]!
    const { events, notes } = await control.database.stores.operations.timeline(ended.id)
    const everything = JSON.stringify([resource, events, notes, ended, await control.database.stores.events.listAfter(0, { limit: 1000 })])
    expect(everything).not.toContain(secret)
    expect(everything).not.toContain('correct-horse')
  })

  test('a second time is refused with the id it has', async () => {
    const { control, us } = rooms()
    const resource = await imported('once')
    const refused = await refusalOf(importResource(control, us.operator, { accountId: account.id, nativeId: resource.nativeId }))
    expect(refused).toMatchObject({ kind: 'already_exists', details: { resourceId: resource.id } })
  })

  test('twice at once is one operation', async () => {
    const { control, us, newService, finish } = rooms()
    const { nativeId } = newService('raced')
    const started = await Promise.all(Array.from({ length: 5 }, () => importResource(control, us.operator, { accountId: account.id, nativeId })))
    expect(new Set(started.map(({ id }) => id)).size).toBe(1)
    expect((await finish(started[0]!)).status).toBe('succeeded')
    expect(await control.database.stores.resources.findByNativeIds(account.id, [nativeId])).toHaveLength(1)
  })

  test('that does not exist, or has ended, fails and leaves nothing', async () => {
    const { control, us, dc, newService, finish, clock } = rooms()
    const { nativeId } = newService('ended')
    dc.instances.terminate([nativeId])
    clock.advance(300_000)
    for (const id of ['i-00000000000000000', nativeId]) {
      const ended = await finish(await importResource(control, us.operator, { accountId: account.id, nativeId: id }))
      expect(ended).toMatchObject({ status: 'failed', error: { code: 'not_found', remedy: expect.stringContaining('region') } })
      expect(await control.database.stores.resources.findByNativeIds(account.id, [id])).toEqual([])
    }
  })

  test('with an entry point that does not exist fails before anything is stored', async () => {
    const { control, us, newService, finish } = rooms()
    const { nativeId, traffic } = newService('badly-bound')
    const native = { ...traffic.native, listenerArn: `${String(traffic.native['listenerArn'])}0` }
    const ended = await finish(await importResource(control, us.operator, { accountId: account.id, nativeId, traffic: { ...traffic, native } }))
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'not_found' } })
    expect(await control.database.stores.resources.findByNativeIds(account.id, [nativeId])).toEqual([])
    expect(tagsOf(nativeId)).not.toHaveProperty('understudy:managed')
  })

  test('without the permission to tag fails with a remedy, and is not left half done or stuck', async () => {
    const { control, us, dc, newService, finish } = rooms()
    const { nativeId } = newService('untaggable')
    dc.faults.failNext('CreateTags', {
      kind: 'error',
      code: 'UnauthorizedOperation',
      message: 'You are not authorized to perform ec2:CreateTags.',
      status: 403,
    })
    const ended = await finish(await importResource(control, us.operator, { accountId: account.id, nativeId }))
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'provider_unauthorized', remedy: expect.stringContaining('permission') } })
    expect(await control.database.stores.resources.findByNativeIds(account.id, [nativeId])).toEqual([])
  })

  test('that belongs to another installation is refused', async () => {
    const { control, us, newService, finish } = rooms()
    const { nativeId } = newService('theirs', { 'understudy:managed': 'true', 'understudy:installation': 'another' })
    const ended = await finish(await importResource(control, us.operator, { accountId: account.id, nativeId }))
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'conflict', message: expect.stringContaining('installation another') } })
  })

  test.each([
    ['neither an id nor tags', {}, ['']],
    ['both', { nativeId: 'i-1', tags: { a: 'b' } }, ['']],
    ['no tags at all', { tags: {} }, ['/tags']],
    ['a name for many', { tags: { a: 'b' }, name: 'x' }, ['/name']],
    ['an entry point for many', { tags: { a: 'b' }, traffic: { mechanism: 'lb-weight', native: {} } as const }, ['/traffic']],
  ])('by %s is not valid', async (_what, request, pointers) => {
    const { control, us } = rooms()
    const refused = await refusalOf(importResource(control, us.operator, { accountId: account.id, ...request }))
    expect(refused.kind).toBe('invalid_request')
    expect(refused.errors.map(({ pointer }) => pointer)).toEqual(pointers)
  })
})

describe('importing by tags', () => {
  test('imports all that match, and says why the others were left out', async () => {
    const { control, us, dc, clock, newService, finish } = rooms()
    const tags = { fleet: 'batch' }
    const fleet = ['one', 'two', 'three'].map((name) => newService(name, tags).nativeId)
    const foreign = newService('foreign', { ...tags, 'understudy:managed': 'true', 'understudy:installation': 'another' }).nativeId
    const gone = newService('gone', tags).nativeId
    newService('unrelated')
    dc.instances.terminate([gone])
    clock.advance(300_000)
    const first = await finish(await importResource(control, us.operator, { accountId: account.id, nativeId: fleet[0] }))
    expect(first.status).toBe('succeeded')

    const ended = await finish(await importResource(control, us.operator, { accountId: account.id, tags }))
    expect(ended).toMatchObject({ status: 'succeeded', error: undefined })
    const { resourceIds, skipped } = (ended.output as { imported: { resourceIds: string[]; skipped: { nativeId: string }[] } }).imported
    const resources = await control.database.stores.resources.findByNativeIds(account.id, fleet.slice(1))
    expect(resources.map(({ id }) => id).toSorted()).toEqual(resourceIds.toSorted())
    expect(skipped.map(({ nativeId }) => nativeId).toSorted()).toEqual([fleet[0], foreign].toSorted())

    const again = await finish(await importResource(control, us.operator, { accountId: account.id, tags }))
    expect(again.output).toMatchObject({ imported: { resourceIds: [] } })
    expect((await finish(await importResource(control, us.operator, { accountId: account.id, tags: { fleet: 'nobody' } }))).error).toMatchObject({
      code: 'not_found',
    })
  })

  test('refuses more than 500', async () => {
    const { control, us, dc, clock, finish } = rooms()
    const [image] = [dc.instances.get((await imported('image-source')).nativeId)?.imageId ?? '']
    dc.instances.run({ imageId: image, instanceType: 't3.micro', minCount: 501, maxCount: 501, tags: { instance: { fleet: 'huge' } } } as never)
    clock.advance(120_000)
    const ended = await finish(await importResource(control, us.operator, { accountId: account.id, tags: { fleet: 'huge' } }))
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'invalid_request', message: expect.stringContaining('More than 500') } })
  })
})

describe('a resource', () => {
  test('belongs to its project: for another it is not there', async () => {
    const { control, them } = rooms()
    const { id, version } = await imported('private')
    const seen = { id, seenVersion: version }
    expect(await kindOf(getResource(control, them.admin, { id }))).toBe('not_found')
    expect(await kindOf(getDna(control, them.admin, { id }))).toBe('not_found')
    expect(await kindOf(updateResource(control, them.admin, { ...seen, name: 'x' }))).toBe('not_found')
    expect(await kindOf(updateResource(control, them.admin, { ...seen, traffic: { mechanism: 'lb-weight', native: {} } }))).toBe('not_found')
    expect(await kindOf(deleteResource(control, them.admin, seen))).toBe('not_found')
    expect(await kindOf(refreshResource(control, them.admin, { id }))).toBe('not_found')
    expect(await kindOf(holdResource(control, them.admin, { ...seen, reason: 'x', untilSeconds: 60 }))).toBe('not_found')
    expect(await kindOf(releaseHold(control, them.admin, seen))).toBe('not_found')
    expect((await listResources(control, them.viewer, {})).items).toEqual([])
  })

  test('is changed by operators and not by viewers', async () => {
    const { control, us } = rooms()
    const { id, version, nativeId } = await imported('guarded')
    const seen = { id, seenVersion: version }
    const attempts = [
      () => importResource(control, us.viewer, { accountId: account.id, nativeId }),
      () => updateResource(control, us.viewer, { ...seen, name: 'x' }),
      () => deleteResource(control, us.viewer, seen),
      () => refreshResource(control, us.viewer, { id }),
      () => holdResource(control, us.viewer, { ...seen, reason: 'x', untilSeconds: 60 }),
      () => releaseHold(control, us.viewer, seen),
    ]
    for (const attempt of attempts) expect(await kindOf(attempt())).toBe('forbidden')
  })

  test('is listed in pages, by account and by status', async () => {
    const { control, us, newAccount } = rooms()
    const seen: string[] = []
    for (let after: string | undefined; ;) {
      const page = await listResources(control, us.viewer, { pageSize: 2, after, accountId: account.id, status: 'unprotected' })
      seen.push(...page.items.map(({ id }) => id))
      after = page.nextAfter
      if (after === undefined) break
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.length).toBeGreaterThan(3)
    expect((await listResources(control, us.viewer, { accountId: (await newAccount(us)).id })).items).toEqual([])
    expect((await listResources(control, us.viewer, { status: 'lost' })).items).toEqual([])
  })

  test('takes a new name, labels and an entry point that exists', async () => {
    const { control, us, newService, drive } = rooms()
    const resource = await imported('renamed')
    const { traffic } = newService('elsewhere')
    const changed = await drive(
      updateResource(control, us.operator, { id: resource.id, seenVersion: resource.version, name: 'new', labels: { a: 'b' }, traffic }),
    )
    expect(changed).toMatchObject({ name: 'new', labels: { a: 'b' }, traffic, version: resource.version + 1 })
    expect(await getResource(control, us.viewer, { id: resource.id })).toEqual(changed)
    const attempt = (more: object, seenVersion = changed.version) =>
      refusalOf(drive(updateResource(control, us.operator, { id: resource.id, seenVersion, ...more })))
    expect((await attempt({ name: 'late' }, resource.version)).kind).toBe('precondition_failed')
    expect((await attempt({ name: '' })).errors).toEqual([{ pointer: '/name', message: 'must not be blank' }])
    expect((await attempt({ traffic: { mechanism: 'lb-weight', native: {} } })).errors[0]?.pointer).toBe('/traffic/native')
    expect((await attempt({ traffic: { mechanism: 'dns', native: {} } })).errors[0]?.pointer).toBe('/traffic/mechanism')
    const missing = { ...traffic, native: { ...traffic.native, listenerArn: `${String(traffic.native['listenerArn'])}0` } }
    expect(await attempt({ traffic: missing })).toMatchObject({ kind: 'invalid_request', errors: [{ pointer: '/traffic/native' }] })
  })

  test('is held until the time is over, or until the hold is released', async () => {
    const { control, us, clock } = rooms()
    const resource = await imported('held')
    const held = await holdResource(control, us.operator, { id: resource.id, seenVersion: resource.version, reason: 'migration', untilSeconds: 60 })
    expect(held.hold).toEqual({ reason: 'migration', by: `key:${us.operator.keyId}`, until: new Date(clock.nowMs() + 60_000) })
    expect(isHeld(held, clock.nowMs() + 59_999)).toBe(true)
    expect(isHeld(held, clock.nowMs() + 60_000)).toBe(false)
    const released = await releaseHold(control, us.operator, { id: resource.id, seenVersion: held.version })
    expect(released.hold).toBeUndefined()
    expect(await kindOf(releaseHold(control, us.operator, { id: resource.id, seenVersion: released.version }))).toBe('conflict')
    for (const untilSeconds of [59, 604_801, Number.NaN]) {
      const refused = await refusalOf(
        holdResource(control, us.operator, { id: resource.id, seenVersion: released.version, reason: 'x', untilSeconds }),
      )
      expect(refused.errors[0]?.pointer).toBe('/untilSeconds')
    }
  })

  test('is deleted unless it is protected or at work, and its instance stays', async () => {
    const { control, us, dc, finish } = rooms()
    const { resources } = control.database.stores
    const resource = await imported('forgotten')
    const tier = {
      shadows: 1,
      readiness: 'hot',
      zones: 'other',
      instanceType: undefined,
      purchase: 'spot',
      holdMemory: false,
      proofMaxAgeSeconds: 60,
      formerPrimary: 'terminate',
    } as const
    await resources.update({ ...resource, tier, version: resource.version + 1 }, resource.version)
    expect(await kindOf(deleteResource(control, us.operator, { id: resource.id, seenVersion: resource.version + 1 }))).toBe('conflict')
    await resources.update({ ...resource, version: resource.version + 2 }, resource.version + 1)
    const refresh = await refreshResource(control, us.operator, { id: resource.id })
    const busy = await refusalOf(deleteResource(control, us.operator, { id: resource.id, seenVersion: resource.version + 2 }))
    expect(busy).toMatchObject({ kind: 'busy', details: { operationId: refresh.id } })
    await finish(refresh)
    const now = await getResource(control, us.viewer, { id: resource.id })
    await deleteResource(control, us.operator, { id: resource.id, seenVersion: now.version })
    expect(await kindOf(getResource(control, us.viewer, { id: resource.id }))).toBe('not_found')
    expect(dc.instances.get(resource.nativeId)?.state).toBe('running')
  })
})

describe('refreshing', () => {
  test('stores what has changed, tells it once, and lets an unchanged definition be', async () => {
    const { control, us, dc, finish, clock } = rooms()
    const resource = await imported('refreshed')
    const refresh = async () => finish(await refreshResource(control, us.operator, { id: resource.id }))
    clock.advance(1000)
    expect((await refresh()).output).toMatchObject({ stored: { changed: false } })
    const same = await getResource(control, us.viewer, { id: resource.id })
    expect(same).toMatchObject({ dnaHash: resource.dnaHash, dna: resource.dna })
    expect(same.dnaAt.getTime()).toBeGreaterThan(resource.dnaAt.getTime())

    dc.tags.create([resource.nativeId], { team: 'blue', apiToken: 'hunter2' })
    expect((await refresh()).output).toMatchObject({ stored: { changed: true } })
    const changed = await getResource(control, us.viewer, { id: resource.id })
    expect(changed.dna.tags['team']).toBe('blue')
    expect(JSON.stringify(changed)).not.toContain('hunter2')
    const told = await control.database.stores.events.listAfter(0, { limit: 1000, types: ['io.understudy.resources.definition_changed.v1'] })
    expect(told.filter(({ subject }) => subject === `resources/${resource.id}`)).toHaveLength(1)
  })

  test('an instance that is gone fails and says what to do', async () => {
    const { control, us, dc, finish, clock } = rooms()
    const resource = await imported('vanished')
    dc.instances.terminate([resource.nativeId])
    clock.advance(3 * 3_600_000)
    const ended = await finish(await refreshResource(control, us.operator, { id: resource.id }))
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'not_found', remedy: expect.stringContaining('failover') } })
    expect((await getResource(control, us.viewer, { id: resource.id })).dnaHash).toBe(resource.dnaHash)
  })

  test('is refused during a failover', async () => {
    const { control, us, clock } = rooms()
    const resource = await imported('moving')
    await control.database.stores.resources.setStatus(resource.id, 'failing-over', new Date(clock.nowMs()))
    expect(await kindOf(refreshResource(control, us.operator, { id: resource.id }))).toBe('busy')
  })
})
