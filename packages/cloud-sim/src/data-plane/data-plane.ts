import { Agent, request as httpRequest } from 'node:http'
import type { Random } from '@understudy/core'
import { randomHex } from '../aws/random-text.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'
import type { DataCentreEvent, Instance, InstanceState, TargetGroup } from '../datacentre/types.ts'
import { BalancerServer, type Route } from './balancer-server.ts'
import { type GuestBehaviour, type GuestMemory, InstanceServer } from './instance-server.ts'
import { loopback } from './sockets.ts'
import { TcpForwarder } from './tcp-forwarder.ts'
import { TunnelServer } from './tunnel-server.ts'

/** What outlives the process: the memory of guests, so that a restart is not a reboot, and ports that callers may have written down. */
export interface DataPlaneState {
  readonly guests: Readonly<Record<string, GuestMemory>>
  readonly ports: Readonly<Record<string, number>>
}

export interface DataPlaneEndpoints {
  /** `publicIp`: what a name leads to; its server here is at `url`. */
  readonly instances: readonly { readonly instanceId: string; readonly name: string; readonly publicIp?: string; readonly url: string }[]
  readonly listeners: readonly {
    readonly listenerArn: string
    readonly loadBalancerArn: string
    readonly loadBalancerName: string
    readonly port: number
    readonly url: string
  }[]
  readonly addresses: readonly { readonly allocationId: string; readonly publicIp: string; readonly url: string }[]
  /** An HTTP proxy (`CONNECT`) into the private network: what an account's `probeProxy` names. */
  readonly proxy?: string
}

/**
 * The part of the data centre that carries traffic: guests, load balancers and public addresses as real servers on loopback.
 * It follows the data centre's events; what stops answering there is closed here in the same instant.
 */
export class DataPlane {
  readonly behaviour: GuestBehaviour = { latencyMs: 0 }
  readonly #dataCentre: DataCentre
  readonly #random: Random
  readonly #onError: (error: unknown) => void
  readonly #nativeIdOf: (instanceId: string) => string
  readonly #guests = new Map<string, InstanceServer>()
  /** Memory of guests that are hibernating or hibernated now. */
  readonly #kept = new Map<string, GuestMemory>()
  /** Memory of guests that have just ceased to answer: whether it is kept is known when their instance stops. */
  readonly #lastSeen = new Map<string, GuestMemory>()
  readonly #balancers = new Map<string, BalancerServer>()
  readonly #addresses = new Map<string, TcpForwarder>()
  readonly #tunnel = new TunnelServer((address, port) => this.#guestAt(address, port))
  readonly #ports: Map<string, number>
  readonly #pending = new Set<Promise<void>>()
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY, maxFreeSockets: 1024 })
  readonly #probeAgent = new Agent({ keepAlive: false })
  readonly #unsubscribe: () => void

  /** `nativeIdOf`: what a cloud calls an instance of the data centre; left out, the same. */
  constructor(options: {
    dataCentre: DataCentre
    random: Random
    onError: (error: unknown) => void
    state?: DataPlaneState
    nativeIdOf?: (instanceId: string) => string
  }) {
    this.#nativeIdOf = options.nativeIdOf ?? ((instanceId) => instanceId)
    this.#dataCentre = options.dataCentre
    this.#random = options.random
    this.#onError = options.onError
    this.#ports = new Map(Object.entries(options.state?.ports ?? {}))
    for (const [instanceId, memory] of Object.entries(options.state?.guests ?? {})) this.#kept.set(instanceId, { ...memory })
    this.#unsubscribe = this.#dataCentre.subscribe((event) => this.#follow(event))
    this.#track(this.#tunnel.open())
    this.#dataCentre.setProbe((instance, group) => this.#probe(instance, group))
    for (const instance of this.#dataCentre.instances.all()) if (instance.answering) this.#openGuest(instance.instanceId)
    for (const balancer of this.#dataCentre.balancers.describeLoadBalancers())
      for (const listener of this.#dataCentre.balancers.describeListeners({ loadBalancerArn: balancer.arn })) this.#openListener(listener.arn)
    for (const address of this.#dataCentre.network.describeAddresses().items) this.#followAddress(address.allocationId)
  }

  /** Resolves when everything that is being opened or closed now is. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  portOf(instanceId: string): number | undefined {
    return this.#guests.get(instanceId)?.port
  }

  async endpoints(): Promise<DataPlaneEndpoints> {
    await this.settled()
    const { instances, balancers, network } = this.#dataCentre
    const listeners = balancers.describeLoadBalancers().flatMap((balancer) =>
      balancers.describeListeners({ loadBalancerArn: balancer.arn }).flatMap((listener) => {
        const open = this.#balancers.get(listener.arn)?.port
        return open === undefined
          ? []
          : [{ listenerArn: listener.arn, loadBalancerArn: balancer.arn, loadBalancerName: balancer.name, port: listener.port, url: urlOf(open) }]
      }),
    )
    return {
      ...(this.#tunnel.port === undefined ? {} : { proxy: urlOf(this.#tunnel.port) }),
      instances: [...this.#guests.values()].flatMap(({ instanceId, port }) => {
        if (port === undefined) return []
        const instance = instances.get(instanceId)
        const publicIp = instance?.publicIp === undefined ? {} : { publicIp: instance.publicIp }
        return [{ instanceId: this.#nativeIdOf(instanceId), name: instance?.tags['Name'] ?? '', ...publicIp, url: urlOf(port) }]
      }),
      listeners,
      addresses: network.describeAddresses().items.flatMap(({ allocationId, publicIp }) => {
        const open = this.#addresses.get(allocationId)?.port
        return open === undefined ? [] : [{ allocationId, publicIp, url: urlOf(open) }]
      }),
    }
  }

  state(): DataPlaneState {
    for (const [key, server] of [...this.#balancers, ...this.#addresses]) if (server.port !== undefined) this.#ports.set(key, server.port)
    const ports = [...this.#ports].filter(([key]) => this.#balancers.has(key) || this.#addresses.has(key))
    const running = [...this.#guests].map(([instanceId, { memory }]): [string, GuestMemory] => [instanceId, memory])
    return { guests: Object.fromEntries([...this.#kept, ...running]), ports: Object.fromEntries(ports) }
  }

  async close(): Promise<void> {
    this.#unsubscribe()
    this.#dataCentre.setProbe(undefined)
    const servers = [this.#tunnel, ...this.#guests.values(), ...this.#balancers.values(), ...this.#addresses.values()]
    await Promise.all(servers.map((server) => server.close()))
    await this.settled()
    this.#agent.destroy()
    this.#probeAgent.destroy()
  }

  #follow(event: DataCentreEvent): void {
    if (event.kind === 'instance_answering') {
      if (event.answering) this.#openGuest(event.instanceId)
      else this.#closeGuest(event.instanceId)
    } else if (event.kind === 'instance_state') {
      this.#followMemory(event.instanceId, event.to)
    } else if (event.kind === 'instance_forgotten') {
      this.#closeGuest(event.instanceId)
      this.#kept.delete(event.instanceId)
    } else if (event.kind === 'listener_changed') {
      if (event.deleted) this.#closeListener(event.listenerArn)
      else this.#openListener(event.listenerArn)
    } else if (event.kind === 'address_changed') this.#followAddress(event.allocationId)
  }

  #openGuest(instanceId: string): void {
    if (this.#guests.has(instanceId)) return
    const memory = this.#kept.get(instanceId) ?? { bootId: randomHex(this.#random, 32), counter: 0 }
    this.#kept.delete(instanceId)
    this.#lastSeen.delete(instanceId)
    const server = new InstanceServer({ instanceId, dataCentre: this.#dataCentre, behaviour: this.behaviour, memory, nativeIdOf: this.#nativeIdOf })
    this.#guests.set(instanceId, server)
    this.#track(server.open())
  }

  #closeGuest(instanceId: string): void {
    const server = this.#guests.get(instanceId)
    if (server === undefined) return
    this.#guests.delete(instanceId)
    this.#lastSeen.set(instanceId, server.memory)
    this.#track(server.close())
  }

  /** Memory goes to disk while the instance stops and is there afterwards only if it hibernated. A reboot never gets here. */
  #followMemory(instanceId: string, state: InstanceState): void {
    const memory = this.#lastSeen.get(instanceId)
    if (state === 'stopping' && memory !== undefined) this.#kept.set(instanceId, memory)
    const lost = state === 'terminated' || (state === 'stopped' && this.#dataCentre.instances.get(instanceId)?.hibernated !== true)
    if (lost) this.#kept.delete(instanceId)
    if (state !== 'running') this.#lastSeen.delete(instanceId)
  }

  #openListener(listenerArn: string): void {
    if (this.#balancers.has(listenerArn)) return
    const server = new BalancerServer({ listenerArn, agent: this.#agent, route: (request) => this.#route(listenerArn, request) })
    this.#balancers.set(listenerArn, server)
    this.#track(server.open(this.#ports.get(listenerArn)))
  }

  #closeListener(listenerArn: string): void {
    const server = this.#balancers.get(listenerArn)
    this.#balancers.delete(listenerArn)
    if (server !== undefined) this.#track(server.close())
  }

  #followAddress(allocationId: string): void {
    const exists = this.#dataCentre.network.describeAddresses({ filters: [{ name: 'allocation-id', values: [allocationId] }] }).items.length > 0
    const forwarder = this.#addresses.get(allocationId)
    if (!exists) {
      this.#addresses.delete(allocationId)
      if (forwarder !== undefined) this.#track(forwarder.close())
    } else if (forwarder !== undefined) forwarder.follow()
    else {
      const opened = new TcpForwarder(() => this.#destinationOf(allocationId))
      this.#addresses.set(allocationId, opened)
      this.#track(opened.open(this.#ports.get(allocationId)))
    }
  }

  #destinationOf(allocationId: string): { instanceId: string; port: number } | undefined {
    const [address] = this.#dataCentre.network.describeAddresses({ filters: [{ name: 'allocation-id', values: [allocationId] }] }).items
    const instanceId = address?.instanceId
    const port = instanceId === undefined ? undefined : this.portOf(instanceId)
    return instanceId === undefined || port === undefined ? undefined : { instanceId, port }
  }

  #route(listenerArn: string, request: { readonly path: string; readonly host: string }): Route {
    const choice = this.#dataCentre.balancers.choose(listenerArn, this.#random, request)
    if (choice.kind === 'fixed-response') return { kind: 'fixed', response: choice.action }
    if (choice.kind === 'none') return { kind: 'nobody' }
    const port = this.portOf(choice.target.instanceId)
    return port === undefined ? { kind: 'unreachable' } : { kind: 'forward', port }
  }

  /** The security groups of the guest decide what gets in. */
  #guestAt(address: string, port: number): number | string {
    const guest = [...this.#dataCentre.instances.all()].find(
      ({ instanceId, nics }) => this.portOf(instanceId) && nics.some(({ privateIp }) => privateIp === address),
    )
    if (guest === undefined) return 'Nobody answers there'
    if (!guestPorts.has(port)) return 'Nothing listens there'
    const allowed = guest.securityGroupIds.some((groupId) => this.#dataCentre.network.letsIn(groupId, port))
    return allowed ? (this.portOf(guest.instanceId) ?? 'Nobody answers there') : 'No security group lets that in'
  }

  /** A real request to the guest's health check path, judged by status as the target group says. */
  #probe(instance: Instance, group: TargetGroup): Promise<boolean> {
    const port = this.portOf(instance.instanceId)
    if (port === undefined) return Promise.resolve(false)
    return new Promise((resolve) => {
      const probe = httpRequest({
        host: loopback,
        port,
        path: group.healthCheck.path,
        agent: this.#probeAgent,
        headers: { 'user-agent': 'ELB-HealthChecker/2.0' },
      })
      const cancel = this.#dataCentre.clock.schedule(group.healthCheck.timeoutSeconds * 1000, () =>
        probe.destroy(new Error('the health check timed out')),
      )
      const settle = (passed: boolean): void => {
        cancel()
        resolve(passed)
      }
      probe.on('response', (answer) => {
        answer.resume()
        settle(statusMatches(group.healthCheck.matcher, answer.statusCode ?? 0))
      })
      probe.on('error', () => settle(false))
      probe.end()
    })
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch(this.#onError).finally(() => this.#pending.delete(tracked))
    this.#pending.add(tracked)
  }
}

/** `200`, `200-299` or `200,302`. */
export function statusMatches(matcher: string, status: number): boolean {
  return matcher.split(',').some((part) => {
    const [from, to = from] = part.split('-').map(Number)
    return from !== undefined && to !== undefined && status >= from && status <= to
  })
}

/** On which the web service of a guest listens, seen from its network. */
const guestPorts: ReadonlySet<number> = new Set([80, 8080])

const urlOf = (port: number): string => `http://${loopback}:${port}`
