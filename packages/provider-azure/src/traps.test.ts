import type { ArmExchange } from '@understudy/cloud-sim'
import { sha256 } from '@understudy/core'
import { type CallContext, type CloneSpec, type InstanceRef, isProviderError, type ProviderErrorShape, type ResourceDna } from '@understudy/provider'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nameOf } from './arm-id.ts'
import { type Captured, capturing } from './capture.ts'
import { azureClients } from './clients.ts'
import { watched } from './testing/watched.ts'
import { settingsFor, wireWorld } from './testing/wire-world.ts'
import { uuidOf } from './trace.ts'

/** What Azure's SDK does that its types do not say, and ARM's answers to it: each case fails when the adapter steps into it. */
const group = 'shop'
const exchanges: ArmExchange[] = []
/** What somebody else does in the moment after a request was answered. */
let meanwhile: ((exchange: ArmExchange) => void) | undefined
let world: Awaited<ReturnType<typeof wireWorld>>
let clients: ReturnType<typeof azureClients>
let keys = 0
const wire = watched()
beforeAll(async () => {
  const onExchange = (exchange: ArmExchange): void => {
    exchanges.push(exchange)
    wire.onExchange(exchange)
    meanwhile?.(exchange)
  }
  world = await wireWorld({ onExchange, retryAfterSeconds: 7 })
  clients = azureClients(settingsFor(world.server))
}, 180_000)
afterEach(() => {
  meanwhile = undefined
  world.pace!(200)()
})
afterAll(async () => {
  clients.destroy()
  await world.close()
})

const contextOf = (): CallContext => ({
  idempotencyKey: sha256(`azure traps ${++keys}`).slice(0, 32),
  tags: {},
  actor: 'test',
  priority: 'background',
})
const nameIn = (nativeId: string): string => nativeId.split('/').pop() ?? ''
const since = (from: number, method: string, path: RegExp): readonly ArmExchange[] =>
  exchanges.slice(from).filter((exchange) => exchange.method === method && path.test(exchange.url.pathname))
const statuses = (found: readonly ArmExchange[]): readonly number[] => found.map(({ status }) => status).toSorted()
async function refusal(work: Promise<unknown>): Promise<ProviderErrorShape> {
  try {
    await work
  } catch (error) {
    if (isProviderError(error)) return error.shape
    throw error
  }
  throw new Error('it was not refused')
}
async function described(ref: InstanceRef): Promise<ResourceDna> {
  const dna = await world.provider.inventory.describe(ref)
  if (dna === undefined) throw new Error('the world made it')
  return dna
}
const specLike = (source: ResourceDna, more: Partial<CloneSpec> = {}): CloneSpec => ({
  ...{ name: 'clone', power: 'running', instanceType: source.size.type, purchase: 'on-demand', zone: world.zoneOther, disks: { from: 'image' } },
  ...more,
})
const stopped = async (): Promise<InstanceRef> => {
  const ref = await world.makePrimary()
  await clients.compute.virtualMachines.deallocate(group, nameIn(ref.nativeId), { updateIntervalInMs: 5 })
  return ref
}

describe('a change', () => {
  it.each([
    ['throttled', { kind: 'throttle' }, { kind: 'throttled', httpStatus: 429, retryAfterMs: 2_000 }, [429]],
    ['unanswered by the service', { kind: 'unavailable' }, { kind: 'unavailable', httpStatus: 503 }, [503]],
    ['cut off', { kind: 'reset_before' }, { kind: 'unavailable', ambiguous: true }, []],
  ] as const)(
    'that is %s is sent once: the SDK would repeat it three times by itself, for a minute, and hide it',
    async (_how, fault, shape, seen) => {
      const ref = await world.makePrimary()
      const from = exchanges.length
      world.server.dataCentre.faults.failNext('VirtualMachines_Deallocate', fault)
      expect(await refusal(world.provider.compute.stop(ref, {}, contextOf()))).toMatchObject({ ...shape, retryable: true })
      expect(statuses(since(from, 'POST', /\/deallocate$/))).toEqual(seen)
    },
  )

  it('of the network, whose client is of an older make, and of locks, is sent once as well', async () => {
    const { faults } = world.server.dataCentre
    const source = await described(await world.makePrimary())
    faults.failNext('NetworkInterfaces_CreateOrUpdate', { kind: 'unavailable' })
    const from = exchanges.length
    expect(await refusal(world.provider.compute.provision(source, specLike(source), contextOf()))).toMatchObject({ kind: 'unavailable' })
    expect(statuses(since(from, 'PUT', /\/networkInterfaces\//))).toEqual([503])
    faults.failNext('ManagementLocks_CreateOrUpdate', { kind: 'unavailable' })
    expect(await refusal(world.provider.labels.setProtection(source.ref, { terminate: true }, contextOf()))).toMatchObject({ kind: 'unavailable' })
    expect(statuses(since(from, 'PUT', /\/locks\//))).toEqual([503])
  })

  it('has the intent’s key as its client request id, in every repetition, and another for another intent', async () => {
    const context = contextOf()
    const ref = await world.makePrimary()
    const from = exchanges.length
    world.server.dataCentre.faults.failNext('VirtualMachines_Deallocate', { kind: 'throttle' })
    await refusal(world.provider.compute.stop(ref, {}, context))
    await world.freshProvider().compute.stop(ref, {}, context)
    await world.provider.compute.stop(await world.makePrimary(), {}, contextOf())
    const ids = since(from, 'POST', /\/deallocate$/).map(({ headers }) => headers['x-ms-client-request-id'])
    expect(ids).toEqual([uuidOf(context.idempotencyKey), uuidOf(context.idempotencyKey), expect.not.stringContaining(uuidOf(context.idempotencyKey))])
  })
})

describe('a creation', () => {
  const machines = /\/virtualMachines\/us-[0-9a-f]{12}$/

  it('is create-only on the wire; a 412 is answered by a look at what is there, which is adopted when it is ours', async () => {
    const source = await described(await world.makePrimary())
    const context = contextOf()
    const from = exchanges.length
    const providers = [world.freshProvider(), world.freshProvider()]
    const handles = await Promise.all(providers.map((provider) => provider.compute.provision(source, specLike(source), context)))
    const puts = since(from, 'PUT', machines)
    expect(puts.map(({ headers }) => headers['if-none-match'])).toEqual(['*', '*'])
    expect(statuses(puts)).toEqual([201, 412])
    expect(new Set(handles.map(({ native }) => native['vm'])).size).toBe(1)
    expect(await world.countOf(context.idempotencyKey)).toMatchObject({ instances: 1, looseDisks: 0 })
  })

  it('is a mismatch when what is there is of another definition', async () => {
    const source = await described(await world.makePrimary())
    const context = contextOf()
    const from = exchanges.length
    const asked = [specLike(source), specLike(source, { instanceType: world.typeOther })].map((spec) =>
      world.freshProvider().compute.provision(source, spec, context),
    )
    const ends = await Promise.allSettled(asked)
    expect(statuses(since(from, 'PUT', machines))).toEqual([201, 412])
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []))
    expect(refused).toMatchObject([{ shape: { kind: 'idempotency_mismatch' } }])
    expect((await world.countOf(context.idempotencyKey)).instances).toBe(1)
  })

  it('changes nothing of a machine of that name which is not ours, and deletes none of it', async () => {
    const foreign = await world.makePrimary()
    const source = await described(foreign)
    const context = contextOf()
    // The name of what this key makes is that of somebody's machine: a PUT without a precondition would rewrite it.
    const record = world.server.state.vms.get(foreign.nativeId.toLowerCase())!
    const taken = foreign.nativeId.replace(nameIn(foreign.nativeId), nameOf(context.idempotencyKey))
    world.server.state.vms.set(taken.toLowerCase(), { ...record, id: taken, name: nameOf(context.idempotencyKey) })
    expect(await refusal(world.provider.compute.provision(source, specLike(source), context))).toMatchObject({ kind: 'idempotency_mismatch' })
    expect(world.server.state.vms.get(taken.toLowerCase())).toMatchObject({ tags: record.tags, deleting: false })
  })
})

describe('a long-running operation', () => {
  /** The next look at any operation that runs finds it failed. */
  function fail(error: { code: string; message: string; details?: { code: string; message: string }[] }): void {
    for (const [id, operation] of world.server.state.operations)
      if (operation.progress() === 'InProgress') world.server.state.operations.set(id, { ...operation, progress: () => error })
  }
  const quota = {
    code: 'OperationNotAllowed',
    message: 'The operation is not allowed.',
    details: [{ code: 'QuotaExceeded', message: 'Operation results in exceeding approved Total Regional Cores quota.' }],
  }

  /** Still under way when it is made to fail. */
  async function startedSlowly() {
    const ref = await stopped()
    world.pace!(1)
    return await world.provider.compute.start(ref, contextOf())
  }
  async function failureOf(handle: Awaited<ReturnType<typeof startedSlowly>>): Promise<ProviderErrorShape> {
    const status = await world.freshProvider().compute.poll(handle)
    if (status.phase !== 'failed') throw new Error('it has not failed')
    return status.error
  }

  it('that fails comes out of the SDK without its code and details: they are read from the answer', async () => {
    const ref = await stopped()
    const name = nameIn(ref.nativeId)
    const faster = world.pace!(1) // or it would have ended before it can fail
    const raw = clients.compute.virtualMachines.start(group, name, { updateIntervalInMs: 5 })
    await raw.submitted()
    fail(quota)
    const lost: unknown = await raw.pollUntilDone().catch((error: unknown) => error)
    // The trap itself: when this is no longer so, the reading can go.
    expect(lost).toBeInstanceOf(Error)
    expect(Object.keys(lost as Error)).not.toContain('code')
    expect(Object.keys(lost as Error)).not.toContain('details')

    faster()
    const handle = await startedSlowly()
    fail(quota)
    expect(await failureOf(handle)).toMatchObject({
      kind: 'quota_exceeded',
      nativeCode: 'OperationNotAllowed',
      retryable: false,
    })
  })

  it('that fails without details keeps its code: the same word is then about the state', async () => {
    const handle = await startedSlowly()
    fail({ code: quota.code, message: quota.message })
    expect(await failureOf(handle)).toMatchObject({ kind: 'conflict', nativeCode: 'OperationNotAllowed' })
  })

  it('goes on in another process, from JSON, at the operation’s own address, once per look and paced by Retry-After', async () => {
    const ref = await stopped()
    const slower = world.pace!(1)
    const handle = await world.provider.compute.start(ref, contextOf())
    const restored = JSON.parse(JSON.stringify(handle)) as typeof handle // what a store gives back
    const from = exchanges.length
    expect(await world.freshProvider().compute.poll(restored)).toMatchObject({ phase: 'running', retryAfterMs: 7_000 })
    slower()
    const arm = exchanges.slice(from).filter(({ url }) => url.pathname.startsWith('/subscriptions/'))
    expect(arm.map(({ method, url }) => `${method} ${/\/locations\/[^/]+\/operations\//.test(url.pathname) ? 'operation' : url.pathname}`)).toEqual([
      'GET operation',
    ])
  })

  it('that Azure has forgotten does not matter when the machine tells how it ended', async () => {
    const source = await described(await world.makePrimary())
    const handle = await world.provider.compute.provision(source, specLike(source), contextOf())
    await world.advance(20_000)
    world.server.state.operations.clear()
    expect(await world.freshProvider().compute.poll(handle)).toMatchObject({ phase: 'succeeded' })
  })
})

describe('the details of a refusal', () => {
  const detailsOf = async (work: () => Promise<unknown>): Promise<{ readonly own: unknown; readonly captured: Captured }> => {
    let seen: { own: unknown; captured: Captured } | undefined
    await capturing(work, (error, captured) => {
      seen = { own: (error as { readonly details?: unknown }).details, captured }
      return new Error('as expected')
    }).catch(() => undefined)
    if (seen === undefined) throw new Error('it was not refused')
    return seen
  }

  it('are dropped by the modular client and kept by the classic ones: all are read from the answer', async () => {
    const ref = await stopped()
    const modular = await detailsOf(async () =>
      clients.compute.virtualMachines.update(group, nameIn(ref.nativeId), { storageProfile: { osDisk: { createOption: 'FromImage' } } }),
    )
    expect(modular.own).toBeUndefined()
    expect(modular.captured).toMatchObject({
      status: 409,
      error: { code: 'PropertyChangeNotAllowed', details: [{ code: 'PropertyChangeNotAllowed' }] },
    })
    world.server.dataCentre.faults.failNext('NetworkInterfaces_Get', { kind: 'throttle' })
    const classic = await detailsOf(async () => clients.network.networkInterfaces.get(group, 'any'))
    expect(classic.captured).toMatchObject({
      status: 429,
      retryAfterMs: 2_000,
      error: { code: 'OperationNotAllowed', details: [{ code: 'TooManyRequests' }] },
    })
  })
})

describe('what is written as a whole', () => {
  it('is written under the etag that was read: a pool that somebody else changed in between keeps their change', async () => {
    const member = await world.makePrimary()
    const binding = await world.makeBinding('lb-target', member)
    const poolId = String(binding.native['backendPoolId'])
    const pool = [...world.server.state.loadBalancers.values()].flatMap(({ pools }) => pools).find(({ id }) => id === poolId)!
    const theirs = { name: 'theirs', nicId: undefined, ip: '10.9.9.9', place: { virtualNetwork: { id: 'net' } }, adminState: 'None' } as const
    const from = exchanges.length
    meanwhile = ({ method, url }) => {
      if (method !== 'GET' || !url.pathname.endsWith(`/backendAddressPools/${pool.name}`)) return
      meanwhile = undefined
      pool.entries = [...pool.entries, theirs]
      pool.etag += 1
    }
    await world.provider.traffic!.setWeights(binding, [], contextOf())
    const puts = since(from, 'PUT', /\/backendAddressPools\//)
    // Between the two reads of one call there may be another: what was not written under an old etag is what counts.
    expect(puts.every(({ headers }) => headers['if-match'] !== undefined)).toBe(true)
    expect(puts.at(-1)?.status).toBe(200)
    expect(pool.entries.map(({ name }) => name)).toContain('theirs')
    // A pool of bare addresses names no machine: whose an address is, the interfaces tell.
    const { ref, nics } = await described(await world.makePrimary())
    pool.entries = [{ ...theirs, ip: nics[0]?.privateIps[0] ?? '' }]
    expect((await world.provider.traffic!.state(binding)).map(({ nativeId }) => nativeId)).toEqual([ref.nativeId])
  })
})

it('what went over the wire meanwhile is what Microsoft’s specifications allow', () => {
  expect(wire.unseen()).not.toContain('NetworkInterfaces_ListAll')
  expect(wire.problems()).toEqual([])
})
