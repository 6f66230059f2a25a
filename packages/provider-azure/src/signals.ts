import type { VirtualMachine } from '@azure/arm-compute'
import { now } from '@understudy/core'
import type { NeutralSignal, Signals } from '@understudy/provider'
import type { Adapter } from './adapter.ts'
import { parseAzureDocument } from './event-parser.ts'
import { readVm } from './inventory.ts'

const list = 'maintenanceRedeployStatus'
/** A VM's own reads come from a small bucket of its own, so that many are asked after one another for the connections' sake only. */
const atOnce = 8

/**
 * Planned maintenance that reboots a machine, which Azure lists with the machine for about 35 days before: until its window begins it
 * may be begun early (`performMaintenance`), and nothing puts it off. What a guest or Event Grid is told of (a freeze, an eviction) stands in no book.
 * https://learn.microsoft.com/azure/virtual-machines/maintenance-notifications
 */
export function azureSignals(adapter: Adapter): Signals {
  return {
    parse: parseAzureDocument,
    async scheduled(nativeIds) {
      const wanted = [...new Set(nativeIds)]
      const found: { readonly nativeId: string; readonly vm: VirtualMachine; readonly observedAt: string }[] = []
      for (let start = 0; start < wanted.length; start += atOnce) {
        const observedAt = now(adapter.clock).toISOString()
        const read = wanted.slice(start, start + atOnce).map(async (nativeId) => ({ nativeId, vm: await readVm(adapter, nativeId), observedAt }))
        for (const { vm, ...about } of await Promise.all(read)) if (vm !== undefined) found.push({ ...about, vm })
      }
      return {
        signals: found.flatMap(plannedMaintenance),
        lists: found.map(({ nativeId, observedAt }) => ({ nativeId, list, observedAt })),
      }
    },
  }
}

/** Once its owner has had it done, a machine says so until the wave is over. */
function plannedMaintenance(about: { readonly nativeId: string; readonly vm: VirtualMachine; readonly observedAt: string }): NeutralSignal[] {
  const { nativeId, vm, observedAt } = about
  const {
    maintenanceWindowStartTime: start,
    isCustomerInitiatedMaintenanceAllowed,
    lastOperationResultCode,
  } = vm.instanceView?.maintenanceRedeployStatus ?? {}
  if (start === undefined) return []
  const isDone = lastOperationResultCode === 'MaintenanceCompleted'
  return [
    {
      ...{
        kind: 'maintenance',
        effect: 'reboot',
        nativeId,
        list,
        observedAt,
        deadline: start.toISOString(),
        confidence: 'certain',
        cause: 'platform',
      },
      ...(isDone ? { phase: 'completed' } : {}),
      canExpedite: !isDone && isCustomerInitiatedMaintenanceAllowed === true,
    },
  ]
}
