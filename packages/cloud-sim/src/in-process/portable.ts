import type { Portable } from '@understudy/provider'
import { closest, portableDna } from '@understudy/provider/adapter-kit'
import type { SimAdapter } from './adapter.ts'

/** Instances from an image, of the closest type of the catalogue. */
export function simPortable(adapter: SimAdapter): Portable {
  const { catalogue } = adapter.dc
  return {
    async fitting({ arch, ...size }) {
      const filters = [{ name: 'processor-info.supported-architecture', values: [arch] }]
      const { items } = await adapter.call('DescribeInstanceTypes', () => catalogue.describeInstanceTypes({ filters }), { effect: 'read' })
      return closest(
        items.map(({ instanceType, vcpus, memoryMiB }) => ({ instanceType, vcpus, memoryMiB })),
        size,
      )
    },
    define: (definition) => portableDna(adapter.scope, definition, []),
  }
}
