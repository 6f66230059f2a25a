import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, InstanceRef, MemberHealth, TrafficBinding, TrafficMember } from '@understudy/provider'
import type { Weights } from '@understudy/provider/adapter-kit'
import type { Adapter } from '../adapter.ts'
import type { BackendService, Operation } from '../clients.ts'
import { untilDone } from '../handles.ts'
import { existing, readInstance, unlessGone } from '../instance-reader.ts'
import { idOf, zoneOf } from '../instance-state.ts'
import { lastPart, requestIdOf } from '../names.ts'
import { repeatSafely } from '../repeat.ts'
import { readLbWeight } from './bindings.ts'
import type { GroupName, LbWeightBinding } from './bindings.ts'
import { drainSecondsOf } from './drain-seconds.ts'
import type { Mechanism } from './mechanism.ts'

/** So often a backend service that somebody else has changed in between is read again. */
const attempts = 5

interface Member {
  readonly nativeId: string
  readonly health: MemberHealth
}
interface Group extends GroupName {
  /** 0 to 1. */
  readonly capacity: number
  readonly members: readonly Member[]
}
interface View {
  readonly service: BackendService
  readonly groups: readonly Group[]
}

/** Two unmanaged instance groups of one backend service, whose shares are set by their capacity. */
export function lbWeight(adapter: Adapter): Mechanism {
  return {
    async validate(binding) {
      await look(adapter, readLbWeight(binding))
    },
    async state(binding) {
      const read = readLbWeight(binding)
      return membersIn((await look(adapter, read)).groups)
    },
    async drainSeconds(binding) {
      return drainSecondsOf(await adapter.calls.getBackendService(readLbWeight(binding).backendService))
    },
    enrol: (binding, ref, context) => enrol(adapter, binding, ref, context),
    setWeights: (binding, weights, context) => setWeights(adapter, binding, weights, context),
    remove: (binding, ref, context) => remove(adapter, binding, ref, context),
  }
}

/** Shares of 100, or of nothing. Others may have set any capacity: what a rounding takes from one, the next one gets. */
export function membersIn(groups: readonly Pick<Group, 'capacity' | 'members'>[]): TrafficMember[] {
  const serving = groups.filter(({ members }) => members.length > 0)
  const total = serving.reduce((sum, { capacity }) => sum + capacity, 0)
  let given = 0
  let before = 0
  return serving.flatMap(({ capacity, members }) => {
    before += capacity
    const percent = total === 0 ? 0 : Math.round((before / total) * 100) - given
    given += percent
    // Within a group all have equal parts; the first takes what does not divide.
    const each = Math.floor(percent / members.length)
    return members.map(({ nativeId, health }, index) => ({ nativeId, health, weight: index === 0 ? percent - each * (members.length - 1) : each }))
  })
}

/** A new member waits in the group of its own zone, which must carry nothing meanwhile. */
async function enrol(adapter: Adapter, binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void> {
  const { groups } = await look(adapter, readLbWeight(binding))
  if (groups.some(({ members }) => members.some(({ nativeId }) => nativeId === ref.nativeId))) return
  const instance = await existing(adapter, ref, context)
  const idle = groups.find(({ zone, capacity }) => zone === zoneOf(instance) && capacity === 0)
  if (idle === undefined) {
    throw providerError(
      'conflict',
      'NoIdleGroup',
      `Neither instance group is in ${zoneOf(instance)} and without traffic, so that ${instance.name} could not wait in one.`,
    )
  }
  const target = {
    ...idle,
    instance: instance.selfLink ?? '',
    requestId: requestIdOf(context.idempotencyKey, `enrol ${idOf(instance)} ${idle.name}`),
  }
  const accepted = await repeatSafely(adapter, () => adapter.calls.addToGroup(target, context.signal), context.signal)
  await untilDone(adapter, accepted, context.signal)
}

/** One write of both capacities under the fingerprint that was read: there is no moment between raising and lowering. */
async function setWeights(adapter: Adapter, binding: TrafficBinding, weights: Weights, context: CallContext): Promise<void> {
  const read = readLbWeight(binding)
  for (let tried = 1; ; tried++) {
    const view = await look(adapter, read)
    const capacities = capacitiesFor(view, weights)
    if (view.groups.every(({ capacity }, index) => capacity === capacities[index])) return
    const backends = (view.service.backends ?? []).map((backend) => {
      const index = view.groups.findIndex((group) => isGroup(backend.group, group))
      return index < 0 ? backend : { ...backend, capacityScaler: capacities[index] ?? 0 }
    })
    const fingerprint = view.service.fingerprint ?? ''
    const requestId = requestIdOf(context.idempotencyKey, `weights ${fingerprint} ${capacities.join(' ')}`)
    const write = (): Promise<Operation> =>
      adapter.calls.patchBackends({ backendService: read.backendService, backends, fingerprint, requestId }, context.signal)
    try {
      const accepted = await repeatSafely(adapter, write, context.signal)
      return await untilDone(adapter, accepted, context.signal)
    } catch (error) {
      if (!isProviderError(error, 'conflict') || tried === attempts) throw error
    }
  }
}

async function remove(adapter: Adapter, binding: TrafficBinding, ref: InstanceRef, context: CallContext): Promise<void> {
  const read = readLbWeight(binding)
  const { groups } = await look(adapter, read)
  const group = groups.find(({ members }) => members.some(({ nativeId }) => nativeId === ref.nativeId))
  if (group === undefined) return
  const instance = await readInstance(adapter, { ...ref, zone: group.zone }, context.signal)
  if (instance === undefined) return
  const target = {
    ...group,
    instance: instance.selfLink ?? '',
    requestId: requestIdOf(context.idempotencyKey, `remove ${idOf(instance)} ${group.name}`),
  }
  const accepted = await repeatSafely(adapter, () => adapter.calls.removeFromGroup(target, context.signal), context.signal)
  await untilDone(adapter, accepted, context.signal)
}

function capacitiesFor({ groups }: View, weights: Weights): number[] {
  const raised = new Map(weights.filter(({ weight }) => weight > 0).map(({ ref, weight }) => [ref.nativeId, weight]))
  const capacities = groups.map(({ members }) => {
    const given = members.map(({ nativeId }) => raised.get(nativeId) ?? 0)
    if (new Set(given).size > 1)
      throw providerError('unsupported', 'UnequalMembers', 'Members of one instance group share its traffic equally; give them equal weights.')
    for (const { nativeId } of members) raised.delete(nativeId)
    const capacity = given.reduce((sum, weight) => sum + weight, 0) / 100
    if (capacity > 0 && capacity < 0.1)
      throw providerError('unsupported', 'TooSmallShare', 'Google takes a capacity of nothing, or of a tenth and more.')
    return capacity
  })
  const [missing] = raised.keys()
  if (missing !== undefined)
    throw providerError('conflict', 'NotEnrolled', `${missing} is in neither instance group. Enrol it before it gets traffic.`)
  return capacities
}

async function look(adapter: Adapter, { backendService, groups }: LbWeightBinding): Promise<View> {
  const service = await adapter.calls.getBackendService(backendService)
  const seen = groups.map(async (group): Promise<Group> => {
    const backend = (service.backends ?? []).find((candidate) => isGroup(candidate.group, group))
    if (backend === undefined)
      throw providerError('not_found', 'NotABackend', `The backend service ${backendService} has no group ${group.zone}/${group.name}.`)
    const [members, health] = await Promise.all([adapter.calls.listGroup(group), adapter.calls.getBackendHealth(backendService, backend.group ?? '')])
    return { ...group, capacity: backend.capacityScaler ?? 1, members: await membersOf(adapter, group.zone, members, health) }
  })
  return { service, groups: await Promise.all(seen) }
}

type Listed = Awaited<ReturnType<Adapter['calls']['listGroup']>>
type Health = Awaited<ReturnType<Adapter['calls']['getBackendHealth']>>

/** Groups and health checks name instances by URL; the number is asked for, since a name may be another's by now. */
async function membersOf({ calls }: Adapter, zone: string, listed: Listed, { healthStatus }: Health): Promise<Member[]> {
  const health = new Map((healthStatus ?? []).map(({ instance, healthState }) => [lastPart(instance), healthState]))
  const found = await Promise.all(
    listed.map(async ({ instance }): Promise<Member[]> => {
      const name = lastPart(instance)
      const read = await unlessGone(calls.getInstance(zone, name))
      return read === undefined ? [] : [{ nativeId: idOf(read), health: healthOf(health.get(name)) }]
    }),
  )
  return found.flat().toSorted((a, b) => (a.nativeId < b.nativeId ? -1 : 1))
}

const healthOf = (healthState: string | null | undefined): MemberHealth =>
  healthState === 'HEALTHY' ? 'healthy' : healthState === 'UNHEALTHY' ? 'unhealthy' : healthState === 'DRAINING' ? 'draining' : 'initial'

const isGroup = (url: string | null | undefined, { zone, name }: GroupName): boolean =>
  url?.endsWith(`/zones/${zone}/instanceGroups/${name}`) === true
