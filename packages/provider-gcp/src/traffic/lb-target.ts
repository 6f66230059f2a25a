import { isProviderError, providerError } from '@understudy/provider'
import type { CallContext, InstanceRef, MemberHealth, TrafficMember } from '@understudy/provider'
import type { Weights } from '@understudy/provider/adapter-kit'
import type { Adapter } from '../adapter.ts'
import type { Instance } from '../clients.ts'
import { untilDone } from '../handles.ts'
import { existing, unlessGone } from '../instance-reader.ts'
import { idOf, zoneOf } from '../instance-state.ts'
import { lastPart, requestIdOf } from '../names.ts'
import { repeatSafely } from '../repeat.ts'
import { readLbTarget } from './bindings.ts'
import type { GroupName, LbTargetBinding } from './bindings.ts'
import { drainSecondsOf } from './drain-seconds.ts'
import type { Mechanism } from './mechanism.ts'

interface Endpoint {
  readonly nativeId: string
  readonly group: GroupName
  readonly name: string
  readonly address: string
  readonly port: number
  readonly health: MemberHealth
}

/** Zonal network endpoint groups of one backend service: every healthy endpoint has an equal part. */
export function lbTarget(adapter: Adapter): Mechanism {
  const enrol = async (binding: LbTargetBinding, ref: InstanceRef, context: CallContext): Promise<void> => {
    const instance = await existing(adapter, ref, context)
    const group = binding.groups.find(({ zone }) => zone === zoneOf(instance))
    if (group === undefined)
      throw providerError(
        'conflict',
        'NoGroupInZone',
        `No endpoint group of the binding is in ${zoneOf(instance)}, so that ${instance.name} cannot join.`,
      )
    if ((await endpointsOf(adapter, binding)).some(({ nativeId }) => nativeId === ref.nativeId)) return
    await write(adapter, 'attach', group, endpointOf(instance, binding.port), context)
  }
  const leave = async (binding: LbTargetBinding, endpoints: readonly Endpoint[], context: CallContext): Promise<void> => {
    for (const { group, name, address, port } of endpoints)
      await write(adapter, 'detach', group, { instance: name, ipAddress: address, port }, context)
  }
  return {
    async validate(binding) {
      const read = readLbTarget(binding)
      const { backends } = await adapter.calls.getBackendService(read.backendService)
      const missing = read.groups.find(
        ({ zone, name }) => !backends?.some(({ group }) => group?.endsWith(`/zones/${zone}/networkEndpointGroups/${name}`)),
      )
      if (missing !== undefined)
        throw providerError(
          'not_found',
          'NotABackend',
          `The backend service ${read.backendService} has no endpoint group ${missing.zone}/${missing.name}.`,
        )
      await endpointsOf(adapter, read)
    },
    async state(binding) {
      return shared(await endpointsOf(adapter, readLbTarget(binding)))
    },
    async drainSeconds(binding) {
      return drainSecondsOf(await adapter.calls.getBackendService(readLbTarget(binding).backendService))
    },
    enrol: (binding, ref, context) => enrol(readLbTarget(binding), ref, context),
    async setWeights(binding, weights: Weights, context) {
      const read = readLbTarget(binding)
      const raised = weights.filter(({ weight }) => weight > 0)
      if (new Set(raised.map(({ weight }) => weight)).size > 1)
        throw providerError('unsupported', 'UnequalMembers', 'Members of endpoint groups share the traffic equally; give them equal weights.')
      const before = await endpointsOf(adapter, read)
      for (const { ref } of raised) if (!before.some(({ nativeId }) => nativeId === ref.nativeId)) await enrol(read, ref, context)
      const leaving = before.filter(({ nativeId }) => !raised.some(({ ref }) => ref.nativeId === nativeId))
      if (leaving.length === 0) return
      const waiting = raised.filter(({ ref }) => !before.some(({ nativeId, health }) => nativeId === ref.nativeId && health === 'healthy'))
      if (waiting.length > 0) {
        const names = waiting.map(({ ref }) => ref.nativeId).join(', ')
        throw providerError('conflict', 'NotHealthyYet', `Not healthy yet: ${names}. The members that serve stay until it is; ask again then.`)
      }
      await leave(read, leaving, context)
    },
    async remove(binding, ref, context) {
      const read = readLbTarget(binding)
      await leave(
        read,
        (await endpointsOf(adapter, read)).filter(({ nativeId }) => nativeId === ref.nativeId),
        context,
      )
    },
  }
}

const endpointOf = (instance: Instance, port: number) => ({
  instance: instance.name ?? '',
  ipAddress: instance.networkInterfaces?.[0]?.networkIP ?? '',
  port,
})

async function write(
  adapter: Adapter,
  verb: 'attach' | 'detach',
  group: GroupName,
  endpoint: ReturnType<typeof endpointOf>,
  { idempotencyKey, signal }: CallContext,
): Promise<void> {
  const requestId = requestIdOf(idempotencyKey, `${verb} ${endpoint.instance} ${endpoint.ipAddress} ${group.zone}/${group.name}`)
  const change = () => adapter.calls.changeEndpoints(verb, { ...group, endpoint, requestId }, signal)
  try {
    await untilDone(adapter, await repeatSafely(adapter, change, signal), signal)
  } catch (error) {
    // Somebody else has taken it out between our reading and our call, or it went with its instance.
    if (verb !== 'detach' || !isProviderError(error, 'not_found')) throw error
  }
}

/** Endpoints name instances by name, which may be another's by now: who has both the name and the address is asked for its number. */
async function endpointsOf(adapter: Adapter, { groups, backendService, port }: LbTargetBinding): Promise<readonly Endpoint[]> {
  const found = await Promise.all(
    groups.map(async (group) => {
      const endpoints: Endpoint[] = []
      for await (const { networkEndpoint, healths } of adapter.calls.listEndpoints(group)) {
        const name = lastPart(networkEndpoint?.instance)
        const instance = await unlessGone(adapter.calls.getInstance(group.zone, name))
        const address = networkEndpoint?.ipAddress ?? ''
        if (instance === undefined || instance.networkInterfaces?.[0]?.networkIP !== address) continue
        const seen = healths?.find((health) => lastPart(health.backendService?.backendService) === backendService)
        endpoints.push({ nativeId: idOf(instance), group, name, address, port: networkEndpoint?.port ?? port, health: healthOf(seen?.healthState) })
      }
      return endpoints
    }),
  )
  return found.flat().toSorted((a, b) => (a.nativeId < b.nativeId ? -1 : 1))
}

const healthOf = (state: string | null | undefined): MemberHealth =>
  state === 'HEALTHY' ? 'healthy' : state === 'UNHEALTHY' ? 'unhealthy' : state === 'DRAINING' ? 'draining' : 'initial'

/** On the healthy ones, and on all when none is: a load balancer rather tries than refuses. Whole percents that add up. */
function shared(endpoints: readonly Endpoint[]): TrafficMember[] {
  const present = endpoints.filter(({ health }) => health !== 'draining')
  const healthy = present.filter(({ health }) => health === 'healthy')
  const serving = (healthy.length > 0 ? healthy : present).map(({ nativeId }) => nativeId)
  const each = Math.floor(100 / Math.max(1, serving.length))
  return endpoints.map(({ nativeId, health }) => {
    const place = serving.indexOf(nativeId)
    return { nativeId, health, weight: place < 0 ? 0 : each + (place < 100 - each * serving.length ? 1 : 0) }
  })
}
