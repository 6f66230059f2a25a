import type { JsonObject } from '@understudy/core'
import type { Target } from '../datacentre/types.ts'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, type ArmWorld, at, isObject, listAt, need, needText, ok, tagsOf, textAt } from './call.ts'
import { checkEtag, etagText } from './etag.ts'
import { begin } from './operations.ts'
import type { LoadBalancerRecord, NicRecord, PoolEntry, PoolRecord } from './state.ts'
import { idOf, notFound } from './resource-id.ts'

const type = 'Microsoft.Network/loadBalancers'
/** How long one change of a load balancer keeps it from the next. */
const changeMs = 300

function balancerOf(call: ArmCall): LoadBalancerRecord {
  const id = idOf(call, type, call.params['name'] ?? '')
  const found = call.state.loadBalancers.get(id.toLowerCase())
  if (found === undefined) throw notFound(id)
  return found
}

function poolOf(call: ArmCall): { balancer: LoadBalancerRecord; pool: PoolRecord } {
  const balancer = balancerOf(call)
  const pool = balancer.pools.find(({ name }) => name.toLowerCase() === (call.params['pool'] ?? '').toLowerCase())
  if (pool === undefined) throw notFound(`${balancer.id}/backendAddressPools/${call.params['pool'] ?? ''}`)
  return { balancer, pool }
}

/** Creates one whole: frontends, pools, probes, and rules, each of which joins a frontend's port to a pool. */
export async function putLoadBalancer(call: ArmCall): Promise<ArmReply> {
  const location = needText(call.body, 'location')
  const rules = listAt(call.body, 'properties.loadBalancingRules')
  for (const rule of rules) {
    needText(rule, 'name')
    need(rule, 'properties.frontendPort')
    needText(rule, 'properties.backendAddressPool.id')
  }
  return await call.dataCentre.invoke('LoadBalancers_CreateOrUpdate', () => {
    const id = idOf(call, type, call.params['name'] ?? '')
    if (call.state.loadBalancers.has(id.toLowerCase()))
      throw new ArmError(400, 'NotSupportedHere', 'The simulated load balancer is changed by its backend pools only.')
    const { balancers } = call.dataCentre
    const short = `az-${call.state.newId().replaceAll('-', '').slice(0, 12)}`
    const pools = listAt(call.body, 'properties.backendAddressPools').map((entry, index): PoolRecord => {
      const name = needText(entry, 'name')
      const rule = rules.find((candidate) => poolNameIn(candidate) === name.toLowerCase())
      const probeSeconds = numberAt(call.body, 'properties.probes.0.properties.intervalInSeconds') ?? 5
      const group = balancers.createTargetGroup({
        name: `${short}-${index}`,
        port: numberAt(rule ?? {}, 'properties.backendPort') ?? 80,
        healthCheck: { intervalSeconds: Math.max(5, probeSeconds), timeoutSeconds: 2, healthyThreshold: 2, unhealthyThreshold: 2, path: '/healthz' },
        deregistrationDelaySeconds: 30,
      })
      return { id: `${id}/backendAddressPools/${name}`, name, targetGroupArn: group.arn, entries: [], drainPeriodInSeconds: undefined, etag: 1 }
    })
    const loadBalancerArn = balancers.createLoadBalancer({ name: short, kind: 'network' }).arn
    const record: LoadBalancerRecord = {
      id,
      name: call.params['name'] ?? '',
      location,
      tags: tagsOf(call.body),
      frontends: listAt(call.body, 'properties.frontendIPConfigurations'),
      probes: listAt(call.body, 'properties.probes'),
      pools,
      rules: rules.map((rule) => {
        const pool = pools.find(({ name }) => name.toLowerCase() === poolNameIn(rule))
        if (pool === undefined) throw new ArmError(400, 'InvalidResourceReference', `The pool of rule ${textAt(rule, 'name') ?? ''} was not found.`)
        const listener = balancers.createListener({
          loadBalancerArn,
          port: numberAt(rule, 'properties.frontendPort') ?? 80,
          defaultActions: [{ kind: 'forward', targetGroups: [{ targetGroupArn: pool.targetGroupArn, weight: 1 }] }],
        })
        return { name: needText(rule, 'name'), properties: rule['properties'] as JsonObject, pool, listenerArn: listener.arn }
      }),
      busyUntilMs: 0,
      etag: 1,
    }
    call.state.loadBalancers.set(id.toLowerCase(), record)
    return ok(balancerBody(record), 201)
  })
}

const poolNameIn = (rule: JsonObject): string => (textAt(rule, 'properties.backendAddressPool.id') ?? '').toLowerCase().split('/').pop() ?? ''
const numberAt = (body: JsonObject, path: string): number | undefined => {
  const value = at(body, path)
  return typeof value === 'number' ? value : undefined
}

export const getLoadBalancer = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('LoadBalancers_Get', () => ok(balancerBody(balancerOf(call))))

export const getPool = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('LoadBalancerBackendAddressPools_Get', () => ok(poolBody(poolOf(call).pool)))

/** One change of a load balancer at a time: what comes meanwhile is refused, and told when to come back. */
export const putPool = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('LoadBalancerBackendAddressPools_CreateOrUpdate', () => {
    const { balancer, pool } = poolOf(call)
    checkEtag(call, pool.etag)
    const nowMs = call.dataCentre.now()
    if (balancer.busyUntilMs > nowMs) {
      throw new ArmError(429, 'RetryableErrorDueToAnotherOperation', `Operation on ${balancer.id} is being performed by another operation.`, {
        retryAfterSeconds: 1,
      })
    }
    pool.entries = listAt(call.body, 'properties.loadBalancerBackendAddresses').map((entry) => entryOf(pool, entry))
    pool.drainPeriodInSeconds = numberAt(call.body, 'properties.drainPeriodInSeconds')
    pool.etag += 1
    const untilMs = nowMs + changeMs
    balancer.busyUntilMs = untilMs
    syncPool(call, pool)
    const progress = (): 'InProgress' | 'Succeeded' => (call.dataCentre.now() < untilMs ? 'InProgress' : 'Succeeded')
    return begin(call, progress, { status: 200, body: poolBody(pool) }, 'Microsoft.Network')
  })

/** Members that are network interfaces are the interfaces' own business: of those only the administrative state is taken. */
function entryOf(pool: PoolRecord, body: JsonObject): PoolEntry {
  const name = needText(body, 'name')
  const adminState = (textAt(body, 'properties.adminState') ?? 'None') as PoolEntry['adminState'] // as the specification has it
  const known = pool.entries.find((entry) => entry.name === name)
  if (known?.nicId !== undefined) return { ...known, adminState }
  const ip = needText(body, 'properties.ipAddress')
  const place = ['virtualNetwork', 'subnet'].flatMap((key) => {
    const id = textAt(body, `properties.${key}.id`)
    return id === undefined ? [] : [[key, { id }] as const]
  })
  if (place.length === 0) throw new ArmError(400, 'InvalidRequestFormat', `The backend address ${name} has neither a virtual network nor a subnet.`)
  return { name, nicId: undefined, ip, place: Object.fromEntries(place), adminState }
}

export const getRule = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('LoadBalancerLoadBalancingRules_Get', () => {
    const balancer = balancerOf(call)
    return ok(ruleBody(balancer, ruleOf(call, balancer)))
  })

const ruleOf = (call: ArmCall, balancer: LoadBalancerRecord): LoadBalancerRecord['rules'][number] => {
  const found = balancer.rules.find(({ name }) => name.toLowerCase() === (call.params['rule'] ?? '').toLowerCase())
  if (found === undefined) throw notFound(`${balancer.id}/loadBalancingRules/${call.params['rule'] ?? ''}`)
  return found
}

/** `POST …/health`: what the rule's probe has found, as an operation whose result is in `Location`. */
export const ruleHealth = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('LoadBalancerLoadBalancingRules_Health', () => {
    const { pool } = ruleOf(call, balancerOf(call))
    const rows = pool.entries.map((entry) => healthOf(entry, targetOf(call, pool, entry)))
    const up = rows.filter(({ state }) => state === 'Up').length
    const result = { up, down: rows.length - up, loadBalancerBackendAddresses: rows }
    return begin(call, () => 'Succeeded', undefined, 'Microsoft.Network', result)
  })

function healthOf(entry: PoolEntry, target: Target | undefined) {
  const about = { ipAddress: entry.ip }
  if (entry.adminState === 'Up') return { ...about, state: 'Up', reason: 'Up_Admin_Up' }
  if (entry.adminState === 'Down') return { ...about, state: 'Down', reason: 'Down_Admin_Down' }
  if (target?.health === 'healthy') return { ...about, state: 'Up', reason: 'Up_Probe_Success' }
  return {
    ...about,
    state: 'Down',
    reason: target?.health === 'initial' ? 'Down_Probe_ApproachingHealthyThreshold' : 'Down_Probe_HttpEndpointUnreachable',
  }
}

function nicBehind(call: ArmWorld, entry: PoolEntry): NicRecord | undefined {
  if (entry.nicId !== undefined) return call.state.nics.get(entry.nicId.toLowerCase())
  return [...call.state.nics.values()].find(({ privateIp }) => privateIp === entry.ip)
}

function instanceIdBehind(call: ArmWorld, entry: PoolEntry): string | undefined {
  const vmId = nicBehind(call, entry)?.vmId
  return vmId === undefined ? undefined : call.state.vms.get(vmId.toLowerCase())?.instanceId
}

const targetOf = (call: ArmWorld, pool: PoolRecord, entry: PoolEntry): Target | undefined => {
  const instanceId = instanceIdBehind(call, entry)
  return call.dataCentre.balancers
    .targetHealth(pool.targetGroupArn)
    .find((target) => target.instanceId === instanceId && target.health !== 'draining')
}

/** What the pool says, carried over to who gets requests. A member that is administratively down finishes what it has. */
function syncPool(call: ArmWorld, pool: PoolRecord): void {
  const { balancers, instances } = call.dataCentre
  const active = pool.entries.filter(({ adminState }) => adminState !== 'Down').flatMap((entry) => instanceIdBehind(call, entry) ?? [])
  const present = balancers.targetHealth(pool.targetGroupArn).filter(({ health }) => health !== 'draining')
  const missing = active.filter((id) => instances.get(id)?.state === 'running' && !present.some(({ instanceId }) => instanceId === id))
  const leaving = present.filter(({ instanceId }) => !active.includes(instanceId))
  if (missing.length > 0)
    balancers.registerTargets(
      pool.targetGroupArn,
      missing.map((instanceId) => ({ instanceId })),
    )
  if (leaving.length > 0)
    balancers.deregisterTargets(
      pool.targetGroupArn,
      leaving.map(({ instanceId }) => ({ instanceId })),
    )
}

const allPools = (call: ArmWorld): PoolRecord[] => [...call.state.loadBalancers.values()].flatMap(({ pools }) => pools)

export function syncPools(world: ArmWorld): void {
  for (const pool of allPools(world)) syncPool(world, pool)
}

/** A network interface names its pools itself; where it is a member has to follow. */
export function followPools(call: ArmWorld, nic: NicRecord): void {
  const wanted = listAt(nic.properties, 'ipConfigurations.0.properties.loadBalancerBackendAddressPools').map(({ id }) => String(id).toLowerCase())
  for (const pool of allPools(call)) {
    const entry = pool.entries.find(({ nicId }) => nicId === nic.id)
    const isWanted = wanted.includes(pool.id.toLowerCase())
    if (isWanted === (entry !== undefined)) continue
    pool.entries = isWanted
      ? [...pool.entries, { name: `${nic.name}-primary`, nicId: nic.id, ip: nic.privateIp, place: {}, adminState: 'None' }]
      : pool.entries.filter((candidate) => candidate !== entry)
    pool.etag += 1
    syncPool(call, pool)
  }
  for (const id of wanted) {
    if (!allPools(call).some((pool) => pool.id.toLowerCase() === id))
      throw new ArmError(400, 'InvalidResourceReference', `Resource ${id} referenced by resource ${nic.id} was not found.`)
  }
}

const poolBody = (pool: PoolRecord): JsonObject => ({
  id: pool.id,
  name: pool.name,
  type: `${type}/backendAddressPools`,
  etag: etagText(pool.etag),
  properties: {
    provisioningState: 'Succeeded',
    loadBalancerBackendAddresses: pool.entries.map((entry) => ({
      name: entry.name,
      properties: {
        ...entry.place,
        ipAddress: entry.ip,
        adminState: entry.adminState,
        ...(entry.nicId === undefined ? {} : { networkInterfaceIPConfiguration: { id: `${entry.nicId}/ipConfigurations/primary` } }),
      },
    })),
    backendIPConfigurations: pool.entries.flatMap(({ nicId }) => (nicId === undefined ? [] : [{ id: `${nicId}/ipConfigurations/primary` }])),
    ...(pool.drainPeriodInSeconds === undefined ? {} : { drainPeriodInSeconds: pool.drainPeriodInSeconds }),
  },
})

const ruleBody = ({ id }: LoadBalancerRecord, { name, properties }: LoadBalancerRecord['rules'][number]): JsonObject => ({
  id: `${id}/loadBalancingRules/${name}`,
  name,
  type: `${type}/loadBalancingRules`,
  properties: { ...properties, provisioningState: 'Succeeded' },
})

const balancerBody = (record: LoadBalancerRecord): JsonObject => ({
  id: record.id,
  name: record.name,
  type,
  location: record.location,
  tags: record.tags,
  sku: { name: 'Standard', tier: 'Regional' },
  etag: etagText(record.etag),
  properties: {
    provisioningState: 'Succeeded',
    frontendIPConfigurations: record.frontends.filter(isObject),
    probes: record.probes.filter(isObject),
    backendAddressPools: record.pools.map(poolBody),
    loadBalancingRules: record.rules.map((rule) => ruleBody(record, rule)),
  },
})
