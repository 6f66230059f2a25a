import type { InstanceRef, TrafficBinding } from '@understudy/provider'
import { isProviderError } from '@understudy/provider'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { contextOf } from './testing/adapter-under-test.ts'
import { wireWorld } from './testing/wire-world.ts'

let world: Awaited<ReturnType<typeof wireWorld>>
let contexts = 0
const context = () => contextOf(`names ${contexts++}`, { priority: 'failover' })
const traffic = () => world.provider.traffic! // the adapter has it
const dns = () => world.server.dataCentre.dns
beforeAll(async () => {
  world = await wireWorld()
})
afterAll(() => world.close())

async function pair(): Promise<{ binding: TrafficBinding; primary: InstanceRef; shadow: InstanceRef; zoneId: string; name: string }> {
  const [primary, shadow] = await Promise.all([world.makePrimary(), world.makePrimary()])
  const binding = await world.makeBinding('dns-weight', primary)
  return { binding, primary, shadow, zoneId: String(binding.native['hostedZoneId']), name: String(binding.native['name']) }
}
const all = (ref: InstanceRef) => [{ ref, weight: 100 }]
const addressOf = ({ nativeId }: InstanceRef): string => world.server.dataCentre.instances.get(nativeId)?.publicIp ?? ''
const shares = async (binding: TrafficBinding) =>
  Object.fromEntries((await traffic().state(binding)).map(({ nativeId, weight }) => [nativeId, weight]))
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => (isProviderError(error) ? error.shape : undefined),
  )
const weightedRecord = (name: string, address: string, weight: number) => ({
  name,
  type: 'A',
  ttl: 30,
  values: [address],
  setIdentifier: 'other',
  weight,
})

it('turns a plain record into weighted ones in one change, and leaves other records as they are', async () => {
  const { binding, primary, shadow, zoneId, name } = await pair()
  const mail = { name: 'mail.example.com.', type: 'A', ttl: 300, values: ['192.0.2.25'] }
  dns().change(zoneId, [{ action: 'CREATE', record: mail }])
  const before = dns().zone(zoneId).changes.length
  await traffic().enrol(binding, shadow, context())
  expect(dns().zone(zoneId).changes).toHaveLength(before + 1)
  expect(
    dns()
      .zone(zoneId)
      .records.filter((record) => record.name === name),
  ).toMatchObject([
    { values: [addressOf(primary)], weight: 1, ttl: 30 },
    { values: [addressOf(shadow)], weight: 0, ttl: 30 },
  ])
  expect(dns().zone(zoneId).records).toContainEqual(mail)
  expect(await shares(binding)).toEqual({ [primary.nativeId]: 100, [shadow.nativeId]: 0 })
})

it('keeps what somebody else writes between the look and the change', async () => {
  const { binding, primary, shadow, zoneId, name } = await pair()
  await traffic().enrol(binding, shadow, context())
  // So long that a busy machine has written the other record before it is answered.
  world.server.dataCentre.faults.failNext('ChangeResourceRecordSets', { kind: 'latency', latency: 300_000 })
  const moved = traffic().setWeights(binding, all(shadow), context())
  await world.advance(1_000)
  dns().change(zoneId, [{ action: 'CREATE', record: weightedRecord(name, '192.0.2.77', 3) }])
  await moved
  expect(await shares(binding)).toEqual({ [primary.nativeId]: 0, [shadow.nativeId]: 100, '192.0.2.77': 0 })
})

it('arrives where the answer was lost, and says so without another change', async () => {
  const { binding, primary, shadow, zoneId } = await pair()
  world.server.dataCentre.faults.failNext('ChangeResourceRecordSets', { kind: 'reset_after' })
  const before = dns().zone(zoneId).changes.length
  await traffic().setWeights(binding, all(shadow), context())
  expect(dns().zone(zoneId).changes).toHaveLength(before + 1)
  expect(await shares(binding)).toEqual({ [primary.nativeId]: 0, [shadow.nativeId]: 100 })
})

it('returns from a shift when all name servers answer with it', async () => {
  const { binding, shadow, zoneId } = await pair()
  await traffic().setWeights(binding, all(shadow), context())
  const last = dns().zone(zoneId).changes.at(-1)
  expect(dns().changeStatus(last?.id ?? '')?.status).toBe('INSYNC')
  expect(await traffic().drainSeconds?.(binding)).toBe(90)
})

it('refuses what it cannot keep: nobody to answer, several addresses in one weighted record, a name without an address', async () => {
  const { binding, primary, zoneId, name } = await pair()
  expect(await refusal(traffic().setWeights(binding, [{ ref: primary, weight: 0 }], context()))).toMatchObject({ kind: 'unsupported' })
  expect(await refusal(traffic().remove(binding, primary, context()))).toMatchObject({ kind: 'conflict', nativeCode: 'LastMember' })
  const [plain] = dns().zone(zoneId).records
  if (plain === undefined) throw new Error('the world made it')
  dns().change(zoneId, [
    { action: 'DELETE', record: plain },
    { action: 'CREATE', record: { ...weightedRecord(name, '192.0.2.1', 1), values: ['192.0.2.1', '192.0.2.2'] } },
  ])
  expect(await refusal(traffic().validate(binding))).toMatchObject({ kind: 'invalid', nativeCode: 'SeveralAddresses' })
  const other = { ...binding, native: { ...binding.native, name: 'nobody.example.com.' } }
  expect(await refusal(traffic().validate(other))).toMatchObject({ kind: 'not_found' })
})
