import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
  type ChangeAction,
  type ResourceRecordSet,
} from '@aws-sdk/client-route-53'
import { seededRandom, sleep } from '@understudy/core'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { type SimServer, startSimServer } from '../server.ts'

let server: SimServer
let client: Route53Client
let zoneId: string
const internalErrors: unknown[] = []

beforeAll(async () => {
  server = await startSimServer({ listeners: false, speed: 20, onInternalError: (error) => internalErrors.push(error) })
  client = new Route53Client({ endpoint: server.url, region: server.region, credentials: server.credentials, maxAttempts: 1 })
})
afterAll(async () => {
  client.destroy()
  await server.close()
  expect(internalErrors).toEqual([])
})
beforeEach(() => {
  zoneId = server.dataCentre.dns.createZone('example.com.').id
})

const record = (address: string, weighted?: { readonly id: string; readonly weight: number }, name = 'www.example.com'): ResourceRecordSet => ({
  ...{ Name: name, Type: 'A', TTL: 30, ResourceRecords: [{ Value: address }] },
  ...(weighted === undefined ? {} : { SetIdentifier: weighted.id, Weight: weighted.weight }),
})
const change = (...changes: readonly (readonly [ChangeAction, ResourceRecordSet])[]) =>
  client.send(
    new ChangeResourceRecordSetsCommand({
      HostedZoneId: `/hostedzone/${zoneId}`,
      ChangeBatch: { Changes: changes.map(([Action, ResourceRecordSet]) => ({ Action, ResourceRecordSet })) },
    }),
  )
const settled = () => sleep(server.clock, 500)
const refusalOf = (work: Promise<unknown>) =>
  work.then(
    () => 'it was not refused',
    (error: Error) => error.name,
  )

it('answers by weight, once a change is in sync', async () => {
  const { ChangeInfo } = await change(
    ['CREATE', record('192.0.2.1', { id: 'a', weight: 0 })],
    ['CREATE', record('192.0.2.2', { id: 'b', weight: 5 })],
  )
  expect(ChangeInfo).toMatchObject({ Status: 'PENDING', Id: expect.stringMatching(/^\/change\//), SubmittedAt: expect.any(Date) })
  const status = async () => (await client.send(new GetChangeCommand({ Id: ChangeInfo?.Id }))).ChangeInfo?.Status
  while ((await status()) !== 'INSYNC') await sleep(server.clock, 1_000)
  const random = seededRandom(3)
  expect(new Set(Array.from({ length: 20 }, () => server.dataCentre.dns.resolve('www.example.com.', random)?.address))).toEqual(
    new Set(['192.0.2.2']),
  )
})

it('lists by name, type and identifier, in pages', async () => {
  const names = ['b.example.com', 'a.example.com', 'www.a.example.com']
  await change(...names.map((name) => ['CREATE', record('192.0.2.1', undefined, name)] as const))
  await settled()
  await change(['CREATE', record('192.0.2.3', { id: 'z', weight: 1 })], ['CREATE', record('192.0.2.4', { id: 'y', weight: 1 })])
  const list = (more: object) => client.send(new ListResourceRecordSetsCommand({ HostedZoneId: zoneId, ...more }))
  const all = await list({})
  expect(all.ResourceRecordSets?.map(({ Name, SetIdentifier = '' }) => `${Name} ${SetIdentifier}`)).toEqual([
    ...['a.example.com. ', 'www.a.example.com. ', 'b.example.com. ', 'www.example.com. y', 'www.example.com. z'],
  ])
  const first = await list({ StartRecordName: 'www.example.com.', StartRecordType: 'A', MaxItems: 1 })
  expect(first).toMatchObject({ IsTruncated: true, NextRecordName: 'www.example.com.', NextRecordType: 'A', NextRecordIdentifier: 'z' })
  expect(first.ResourceRecordSets).toMatchObject([{ SetIdentifier: 'y', Weight: 1, TTL: 30, ResourceRecords: [{ Value: '192.0.2.4' }] }])
})

it('does all of a batch or nothing, and deletes exactly what is there', async () => {
  await change(['CREATE', record('192.0.2.1')])
  await settled()
  const before = JSON.stringify(server.dataCentre.dns.zone(zoneId).records)
  const refused: readonly (readonly (readonly [ChangeAction, ResourceRecordSet])[])[] = [
    [['CREATE', record('192.0.2.1')]],
    [['DELETE', record('192.0.2.2')]],
    [['UPSERT', record('192.0.2.9', { id: 'a', weight: 1 })]],
    [
      ['DELETE', record('192.0.2.1')],
      ['CREATE', record('192.0.2.9', { id: 'a', weight: 256 })],
    ],
    [['CREATE', record('192.0.2.1', undefined, 'www.example.org')]],
    [['CREATE', record('not an address', undefined, 'b.example.com')]],
  ]
  for (const batch of refused) expect(await refusalOf(change(...batch))).toBe('InvalidChangeBatch')
  const { Weight: _weight, ...halfWeighted } = record('192.0.2.9', { id: 'a', weight: 1 })
  expect(await refusalOf(change(['CREATE', halfWeighted]))).toBe('InvalidInput')
  expect(JSON.stringify(server.dataCentre.dns.zone(zoneId).records)).toBe(before)
})

it('takes one change of a zone at a time, and knows no other zones and changes', async () => {
  server.clock.setSpeed(0.001)
  await change(['CREATE', record('192.0.2.1')])
  expect(await refusalOf(change(['DELETE', record('192.0.2.1')]))).toBe('PriorRequestNotComplete')
  server.clock.setSpeed(20)
  await settled()
  await change(['DELETE', record('192.0.2.1')])
  expect(await refusalOf(client.send(new GetChangeCommand({ Id: 'C0000' })))).toBe('NoSuchChange')
  expect(await refusalOf(client.send(new ListResourceRecordSetsCommand({ HostedZoneId: 'Z0000' })))).toBe('NoSuchHostedZone')
})

it('answers five calls in a second', async () => {
  const strict = await startSimServer({ listeners: false, rateLimits: true, speed: 0.001 })
  const asking = new Route53Client({ endpoint: strict.url, region: strict.region, credentials: strict.credentials, maxAttempts: 1 })
  const { id } = strict.dataCentre.dns.createZone('example.com.')
  const asked = Array.from({ length: 8 }, () => refusalOf(asking.send(new ListResourceRecordSetsCommand({ HostedZoneId: id }))))
  expect((await Promise.all(asked)).toSorted()).toEqual([...Array<string>(3).fill('Throttling'), ...Array<string>(5).fill('it was not refused')])
  asking.destroy()
  await strict.close()
})
