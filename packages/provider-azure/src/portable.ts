import type { DiskDna, Portable, Scope } from '@understudy/provider'
import { closest, portableDna } from '@understudy/provider/adapter-kit'
import { diskRef } from './adapter.ts'
import type { SizeReader } from './sizes.ts'

/** Virtual machines from a specialised image, of the closest size that any zone offers to the subscription. */
export const azurePortable = (scope: Scope, sizes: SizeReader): Portable => ({
  define: defineIn(scope),
  async fitting({ arch, ...size }) {
    const offered = (await sizes.all()).filter((one) => one.arch === arch && one.zones.length > 0 && !one.hasGpu && !one.isBurstable)
    return closest(
      offered.map(({ name, vcpus, memoryMiB }) => ({ instanceType: name, vcpus, memoryMiB })),
      size,
    )
  },
})

/** Takes no SDK and no call. */
export const defineIn =
  (scope: Scope): Portable['define'] =>
  (definition) =>
    portableDna(scope, definition, [osDisk(scope)])

/** As large as the image. Every size takes this kind, also those without premium storage. */
const osDisk = (scope: Scope): DiskDna => ({
  ref: diskRef(scope, ''),
  role: 'root',
  deviceKey: 'os',
  sizeGiB: 0,
  type: 'StandardSSD_LRS',
  encrypted: true,
  deleteWithInstance: true,
})
