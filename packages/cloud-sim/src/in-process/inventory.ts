import type { Inventory, InstanceSummary } from '@understudy/provider'
import type { Filter, Instance } from '../datacentre/types.ts'
import type { SimAdapter } from './adapter.ts'
import { dnaOf, summaryOf } from './dna.ts'
import { hostGroupOf } from './host-groups.ts'

const listLimit = 10_000
const pageSize = 1000
const idsPerCallMax = 500
const listedStates = ['pending', 'running', 'stopping', 'stopped', 'shutting-down']

export function simInventory(adapter: SimAdapter): Inventory {
  const { dc, scope } = adapter
  const read = { effect: 'read' } as const
  const summary = (instance: Instance): InstanceSummary => summaryOf(scope, instance, dc.instances.seenState(instance))
  const pages = async function* (filters: readonly Filter[]): AsyncIterable<Instance> {
    let nextToken: string | undefined
    do {
      const query = { filters, maxResults: pageSize, ...(nextToken === undefined ? {} : { nextToken }) }
      const page = await adapter.call('DescribeInstances', () => dc.instances.describe(query), read)
      yield* page.items
      nextToken = page.nextToken
    } while (nextToken !== undefined)
  }
  return {
    async describe(ref) {
      const instance = await adapter.patiently([ref.nativeId], () => adapter.find(ref.nativeId))
      if (!instance) return undefined
      const filters = [{ name: 'attachment.instance-id', values: [ref.nativeId] }]
      const volumes = (await adapter.call('DescribeVolumes', () => dc.storage.describeVolumes({ filters }), read)).items
      const types = [{ name: 'instance-type', values: [instance.instanceType] }]
      const [size] = (await adapter.call('DescribeInstanceTypes', () => dc.catalogue.describeInstanceTypes({ filters: types }), read)).items
      return dnaOf(scope, instance, dc.instances.seenState(instance), volumes, size, hostGroupOf(adapter, instance))
    },
    async *list({ tags = {}, limit = listLimit }) {
      // The indexed filter first: a search by tag costs what it finds.
      const filters = [
        ...Object.entries(tags).map(([key, value]) => ({ name: `tag:${key}`, values: [literal(value)] })),
        { name: 'instance-state-name', values: listedStates },
      ]
      let left = limit
      if (left <= 0) return
      for await (const instance of pages(filters)) {
        yield summary(instance)
        if (--left === 0) return
      }
    },
    async states(refs) {
      const found = new Map<string, InstanceSummary>()
      const ids = [...new Set(refs.map((ref) => ref.nativeId))]
      for (let from = 0; from < ids.length; from += idsPerCallMax) {
        const filters = [{ name: 'instance-id', values: ids.slice(from, from + idsPerCallMax) }]
        const page = await adapter.call('DescribeInstances', () => dc.instances.describe({ filters }), read)
        for (const instance of page.items) found.set(instance.instanceId, summary(instance))
      }
      return found
    },
    async checks({ nativeId }) {
      const describe = () => dc.maintenance.describeStatus({ ids: [nativeId], includeAll: true })
      const [status] = (await adapter.call('DescribeInstanceStatus', describe, read)).items
      const found = [status?.systemStatus ?? 'unknown', status?.instanceStatus ?? 'unknown']
      const detail = `System status ${found[0]}, instance status ${found[1]}.`
      if (found.every((one) => one === 'ok')) return { state: 'passed', detail }
      return { state: found.includes('impaired') ? 'failed' : 'pending', detail }
    },
  }
}

/** A tag's value is meant literally, not as a pattern. */
const literal = (value: string): string => value.replace(/[\\*?]/g, String.raw`\$&`)
