import type { HostGroupApi, NewHostGroup, RunInstancesInput } from './api.ts'
import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import type { HostGroup, Instance, Page, Query } from './types.ts'
import type { World } from './world.ts'

/** EC2: "a maximum of seven running instances per Availability Zone per group". */
const spreadMaxPerZone = 7
/** EC2: partitions per Availability Zone. */
const partitionsMax = 7

/** Where in its group an instance goes. */
export type HostPlace = Partial<Pick<Instance, 'placementGroup' | 'hostGroup' | 'hostId' | 'partition' | 'tenancy'>>

/** Groups of hosts: which there are, who is on them, and whether there is room for one more. */
export class HostGroups implements HostGroupApi {
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  create({ name, strategy, zone, partitions, hosts, slotsPerHost }: NewHostGroup): HostGroup {
    const { hostGroups } = this.#world.state
    if (hostGroups.has(name)) throw new SimError('InvalidPlacementGroup.Duplicate', `The Placement Group '${name}' already exists.`)
    if (strategy === 'own-hosts' && zone === undefined) throw new SimError('MissingParameter', 'Hosts of one owner are in one zone.')
    const group: HostGroup = {
      groupId: this.#world.id('pg'),
      name,
      strategy,
      ...(zone === undefined ? {} : { zone }),
      ...(strategy === 'partition' ? { partitions: Math.min(partitions ?? partitionsMax, partitionsMax) } : {}),
      ...(strategy === 'own-hosts'
        ? { hostIds: Array.from({ length: hosts ?? 2 }, () => this.#world.id('h')), slotsPerHost: slotsPerHost ?? 4 }
        : {}),
    }
    hostGroups.set(name, group)
    return group
  }

  find(nameOrId: string): HostGroup | undefined {
    const { hostGroups } = this.#world.state
    return hostGroups.get(nameOrId) ?? [...hostGroups.values()].find(({ groupId }) => groupId === nameOrId)
  }

  describe(query: Query = {}): Page<HostGroup> {
    const { hostGroups } = this.#world.state
    return select(query, {
      all: () => hostGroups.values(),
      byId: (id) => this.find(id),
      notFound: (id) => unknownGroup(id),
      field: (group, name) => fieldOf(group, name),
    })
  }

  remove(name: string): void {
    if (!this.#world.state.hostGroups.delete(name)) throw unknownGroup(name)
  }

  setRoom(name: string, room: number): void {
    const group = this.find(name)
    if (!group) throw unknownGroup(name)
    if (Number.isFinite(room)) group.room = room
    else delete group.room
  }

  hardwareOf(instanceId: string): string {
    const instance = this.#world.state.instances.get(instanceId)
    if (!instance) throw new SimError('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`)
    if (instance.hostId !== undefined) return instance.hostId
    const group = instance.placementGroup === undefined ? undefined : this.find(instance.placementGroup)
    if (group?.strategy === 'partition') return `${group.name}/${instance.zone}/partition ${instance.partition ?? 0}`
    if (group?.strategy === 'spread') return `${group.name}/${instance.zone}/rack of ${instanceId}`
    return `${group?.name ?? 'anywhere'}/${instance.zone}`
  }

  /** Throws what the cloud refuses: a group that there is not, that is in another zone, or that is full. */
  place(input: Pick<RunInstancesInput, 'placementGroup' | 'hostGroup' | 'hostId' | 'partition' | 'tenancy'>, zone: string): HostPlace {
    const own = input.hostGroup !== undefined || input.hostId !== undefined || input.tenancy === 'host'
    if (own) return this.#onOwnHosts(input, zone)
    if (input.placementGroup === undefined) return {}
    const group = this.find(input.placementGroup)
    if (!group || group.strategy === 'own-hosts') throw unknownGroup(input.placementGroup)
    const running = this.#running(group)
    const here = running.filter((instance) => instance.zone === zone)
    this.#checkZone(group, zone, running)
    if (group.room !== undefined && running.length >= group.room) throw noRoom(`in the placement group '${group.name}'`)
    if (group.strategy === 'spread' && here.length >= spreadMaxPerZone)
      throw noRoom(`with unique hardware for the placement group '${group.name}' in ${zone}`)
    if (group.strategy !== 'partition') return { placementGroup: group.name }
    const partition = input.partition ?? this.#emptiest(group, here)
    if (partition < 1 || partition > (group.partitions ?? partitionsMax))
      throw new SimError('InvalidParameterValue', `The partition number ${partition} is not valid for the placement group '${group.name}'.`)
    return { placementGroup: group.name, partition }
  }

  /** A start finds the place of its group taken, or is there again. */
  placeAgain(instance: Instance): void {
    const { placementGroup, hostGroup, partition, zone } = instance
    const wanted = { ...(placementGroup === undefined ? {} : { placementGroup }), ...(hostGroup === undefined ? {} : { hostGroup }) }
    Object.assign(instance, this.place({ ...wanted, ...(partition === undefined ? {} : { partition }) }, zone))
  }

  #onOwnHosts(input: Pick<RunInstancesInput, 'hostGroup' | 'hostId'>, zone: string): HostPlace {
    const all = [...this.#world.state.hostGroups.values()].filter(({ strategy }) => strategy === 'own-hosts')
    if (input.hostGroup !== undefined && this.find(input.hostGroup)?.strategy !== 'own-hosts')
      throw new SimError('InvalidParameterValue', `The host resource group ${input.hostGroup} does not exist.`)
    const asked = all.filter(({ name, hostIds = [] }) =>
      input.hostId === undefined ? input.hostGroup === undefined || name === input.hostGroup : hostIds.includes(input.hostId),
    )
    if (input.hostId !== undefined && asked.length === 0)
      throw new SimError('InvalidHostID.NotFound', `The Dedicated Host ID '${input.hostId}' does not exist.`)
    for (const group of asked.filter((one) => one.zone === zone)) {
      const running = this.#running(group)
      if (group.room !== undefined && running.length >= group.room) continue
      const used = (hostId: string): number => running.filter((instance) => instance.hostId === hostId).length
      const free = (group.hostIds ?? []).filter((id) => (input.hostId === undefined || id === input.hostId) && used(id) < (group.slotsPerHost ?? 0))
      const [hostId] = free.toSorted((a, b) => used(a) - used(b))
      if (hostId !== undefined) return { hostGroup: group.name, hostId, tenancy: 'host' }
    }
    throw new SimError(
      'InsufficientHostCapacity',
      `There is no Dedicated Host with a matching configuration and sufficient capacity in ${zone}.`,
      500,
    )
  }

  /** A group whose members are close together is where its first one is. */
  #checkZone(group: HostGroup, zone: string, running: readonly Instance[]): void {
    if (group.strategy !== 'cluster') return
    const bound = group.zone ?? running[0]?.zone
    if (bound !== undefined && bound !== zone)
      throw new SimError('InvalidPlacementGroup.InUse', `The placement group '${group.name}' is in use in another availability zone: ${bound}`)
  }

  #emptiest({ partitions = partitionsMax }: HostGroup, here: readonly Instance[]): number {
    const used = (partition: number): number => here.filter((instance) => instance.partition === partition).length
    return Array.from({ length: partitions }, (_, index) => index + 1).toSorted((a, b) => used(a) - used(b))[0] ?? 1
  }

  #running({ name }: HostGroup): Instance[] {
    const present: readonly string[] = ['pending', 'running', 'stopping']
    return [...this.#world.state.instances.values()].filter(
      (instance) => (instance.placementGroup === name || instance.hostGroup === name) && present.includes(instance.state),
    )
  }
}

const unknownGroup = (name: string): SimError => new SimError('InvalidPlacementGroup.Unknown', `The Placement Group '${name}' is unknown.`)
const noRoom = (where: string): SimError => new SimError('InsufficientInstanceCapacity', `There is insufficient capacity ${where}.`, 500)

function fieldOf(group: HostGroup, name: string): readonly (string | undefined)[] | undefined {
  switch (name) {
    case 'group-name':
      return [group.name]
    case 'strategy':
      return [group.strategy]
    case 'state':
      return ['available']
    default:
      return undefined
  }
}
