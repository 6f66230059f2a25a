import { seedWebService } from '@understudy/cloud-sim'
import {
  createPolicy,
  createSignal,
  importResource,
  ingestDocuments,
  listTransitions,
  maintenanceReconciler,
  transitionsReconciler,
  updateResource,
} from '@understudy/control'
import type { Account, NewSignal, Operation, PolicyRules, Resource, Transition } from '@understudy/control'
import { expect } from 'vitest'
import { useRooms } from './rooms.ts'
import type { Tenant } from './rooms.ts'

const hourMs = 3_600_000

/** A resource of a tenant of its own, whose cloud announces and takes back. */
export interface Place {
  readonly tenant: Tenant
  readonly account: Account
  readonly resource: Resource
}

type Code = 'instance-stop' | 'system-reboot'

/** Rooms with resources about which their cloud announces something, and what becomes of it. */
export function usePlaces() {
  const rooms = useRooms()
  let tenants = 0

  async function place(rules: PolicyRules = {}): Promise<Place> {
    const { control, clock, dc, newTenant, newAccount, finish } = rooms()
    const tenant = await newTenant(`taken back ${++tenants}`)
    const account = await newAccount(tenant)
    const service = seedWebService(dc, { name: `announced-${tenants}`, purchase: 'on-demand' })
    const nativeId = service.instance.instanceId
    clock.advance(2 * 60_000)
    await finish(await importResource(control, tenant.operator, { accountId: account.id, nativeId, name: nativeId }))
    await createPolicy(control, tenant.admin, { name: 'announced', rules })
    const imported = (await control.database.stores.resources.findByNativeIds(account.id, [nativeId]))[0]!
    const traffic = { mechanism: 'lb-weight', native: service.binding } as const
    const resource = await rooms().drive(updateResource(control, tenant.operator, { id: imported.id, seenVersion: imported.version, traffic }))
    return { tenant, account, resource }
  }

  const schedule = ({ resource }: Place, inHours: number, code: Code = 'instance-stop'): string => {
    const { dc, clock } = rooms()
    const notBeforeMs = clock.nowMs() + inHours * hourMs
    return dc.maintenance.schedule(resource.nativeId, { code, notBeforeMs, notBeforeDeadlineMs: notBeforeMs + 400 * hourMs }).instanceEventId
  }
  const readBooks = () => rooms().drive(maintenanceReconciler.pass(rooms().control))
  const bringAlong = () => rooms().drive(transitionsReconciler.pass(rooms().control))
  /** Announced, and pushed as the cloud does. */
  async function announced(at: Place, inHours: number, code?: Code): Promise<string> {
    const pushed: unknown[] = []
    const stop = rooms().dc.subscribe((told) => told.kind === 'cloud_event' && pushed.push(told.event))
    const event = schedule(at, inHours, code)
    stop()
    await ingestDocuments(rooms().control, { account: at.account, source: 'push', documents: pushed })
    return event
  }
  /** The cloud's books, and what follows from them. */
  async function look(): Promise<void> {
    await readBooks()
    // One thing at most in a pass.
    for (let pass = 0; pass < 4; pass += 1) await bringAlong()
  }
  const transitionsOf = async ({ tenant, resource }: Place): Promise<readonly Transition[]> =>
    (await listTransitions(rooms().control, tenant.viewer, { resourceId: resource.id })).items
  const operationsOf = ({ tenant }: Place): Promise<readonly Operation[]> =>
    rooms().control.database.stores.operations.list(tenant.projectId, { after: undefined, limit: 100 })
  async function finishAll(at: Place): Promise<void> {
    for (const operation of await operationsOf(at)) if (operation.finishedAt === undefined) await rooms().finish(operation)
  }
  const resourceOf = async ({ resource }: Place): Promise<Resource> => (await rooms().control.database.stores.resources.findById(resource.id))!
  async function toldOf({ tenant }: Place, { id }: Transition) {
    const events = await rooms().control.database.stores.events.listAfter(0, { limit: 1000, projectId: tenant.projectId })
    return events.filter(({ subject }) => subject === `transitions/${id}`).map(({ type, data }) => ({ what: type.split('.')[3], data }))
  }
  const only = async (at: Place): Promise<Transition> => {
    const found = await transitionsOf(at)
    expect(found).toHaveLength(1)
    return found[0]!
  }

  /** What clouds and agents say, in the words of this API. */
  const say = (at: Place, said: Partial<NewSignal>) =>
    createSignal(rooms().control, at.tenant.operator, { resourceId: at.resource.id, kind: 'maintenance', effect: 'reboot', ...said })

  return { rooms, place, schedule, bringAlong, announced, look, transitionsOf, operationsOf, finishAll, resourceOf, toldOf, only, say }
}
