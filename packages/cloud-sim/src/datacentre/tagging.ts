import type { TagApi } from './api.ts'
import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import type { Page, Query, Tags } from './types.ts'
import type { World } from './world.ts'

const tagsPerResourceMax = 50

/** CreateTags, DeleteTags and DescribeTags over every kind of resource. */
export class Tagging implements TagApi {
  readonly #world: World
  constructor(world: World) {
    this.#world = world
  }

  create(resourceIds: readonly string[], tags: Tags): void {
    const records = resourceIds.map((id) => this.#need(id))
    for (const key of Object.keys(tags)) {
      if (key.startsWith('aws:'))
        throw new SimError(
          'InvalidParameterValue',
          `Value ( ${key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use`,
        )
      if (key.length > 127 || (tags[key] ?? '').length > 255) throw new SimError('InvalidParameterValue', `The tag '${key}' is too long.`)
    }
    for (const { record } of records) {
      if (new Set([...Object.keys(record.tags), ...Object.keys(tags)]).size > tagsPerResourceMax) {
        throw new SimError('TagLimitExceeded', `The maximum number of tags for a resource is ${tagsPerResourceMax}.`)
      }
    }
    for (const { id, record } of records) this.#world.retag(id, record, tags)
  }

  delete(resourceIds: readonly string[], tags: Readonly<Record<string, string | undefined>>): void {
    const records = resourceIds.map((id) => this.#need(id))
    for (const { id, record } of records) {
      const gone = Object.entries(tags).filter(([key, value]) => value === undefined || record.tags[key] === value)
      this.#world.retag(id, record, Object.fromEntries(gone.map(([key]) => [key, undefined])))
    }
  }

  describe(query: Query = {}): ReturnType<TagApi['describe']> {
    const rows = function* (world: World): Iterable<{ resourceId: string; resourceType: string; key: string; value: string }> {
      for (const [resourceType, table] of kinds(world)) {
        for (const [resourceId, record] of table)
          for (const [key, value] of Object.entries(record.tags)) yield { resourceId, resourceType, key, value }
      }
    }
    const page: Page<{ resourceId: string; resourceType: string; key: string; value: string }> = select(query, {
      all: () => rows(this.#world),
      byId: () => undefined,
      notFound: (id) => new SimError('InvalidID', id),
      field: (row, name) => ({ 'resource-id': [row.resourceId], 'resource-type': [row.resourceType], key: [row.key], value: [row.value] })[name],
    })
    return page
  }

  #need(id: string): { readonly id: string; readonly record: { tags: Tags } } {
    for (const [, table] of kinds(this.#world)) {
      const record = table.get(id)
      if (record && (!('visibleAtMs' in record) || this.#world.isVisible(record as { visibleAtMs: number }))) return { id, record }
    }
    for (const instance of id.startsWith('eni-') ? this.#world.state.instances.values() : []) {
      const nic = instance.nics.find((candidate) => candidate.networkInterfaceId === id)
      if (nic) return { id, record: nic }
    }
    throw notFound(id)
  }
}

function kinds(world: World): readonly (readonly [string, Map<string, { tags: Tags }>])[] {
  const { state } = world
  return [
    ['instance', state.instances],
    ['volume', state.volumes],
    ['snapshot', state.snapshots],
    ['elastic-ip', state.addresses],
    ['spot-instances-request', state.spotRequests],
    ['image', state.images],
    ['subnet', state.subnets],
    ['security-group', state.securityGroups],
    ['vpc', state.vpcs],
  ]
}

function notFound(id: string): SimError {
  const codes: Record<string, string> = {
    i: 'InvalidInstanceID.NotFound',
    vol: 'InvalidVolume.NotFound',
    snap: 'InvalidSnapshot.NotFound',
    eipalloc: 'InvalidAllocationID.NotFound',
    eni: 'InvalidNetworkInterfaceID.NotFound',
    ami: 'InvalidAMIID.NotFound',
  }
  return new SimError(codes[id.split('-')[0] ?? ''] ?? 'InvalidID', `The ID '${id}' does not exist`)
}
