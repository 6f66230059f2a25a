import type { VirtualMachine } from '@azure/arm-compute'
import type { InstanceSummary, PowerState, Scope } from '@understudy/provider'
import { instanceRef } from './adapter.ts'

const powerStates: Readonly<Record<string, PowerState>> = {
  starting: 'provisioning',
  running: 'running',
  stopping: 'stopping',
  deallocating: 'stopping',
  // Stopped from inside or powered off: the host is kept and billed.
  stopped: 'stopped-billed',
  deallocated: 'stopped',
}

const codeOf = (vm: VirtualMachine, family: string): string | undefined =>
  vm.instanceView?.statuses?.find(({ code }) => code?.startsWith(`${family}/`) === true)?.code?.slice(family.length + 1)

/** Needs the VM with its instance view. */
export function powerStateOf(vm: VirtualMachine): PowerState {
  const power = codeOf(vm, 'PowerState')
  if (vm.provisioningState === 'Deleting') return 'terminating'
  if (power === 'deallocated' && codeOf(vm, 'HibernationState') === 'Hibernated') return 'held'
  if (power !== undefined) return powerStates[power] ?? 'unknown'
  return vm.provisioningState === 'Creating' ? 'provisioning' : 'unknown'
}

export const nativeStateOf = (vm: VirtualMachine): string => codeOf(vm, 'PowerState') ?? vm.provisioningState ?? 'unknown'

export const purchaseOf = (vm: VirtualMachine): 'on-demand' | 'spot' => (vm.priority === 'Spot' || vm.priority === 'Low' ? 'spot' : 'on-demand')

export const summaryOf = (scope: Scope, vm: VirtualMachine): InstanceSummary => ({
  ref: instanceRef(scope, vm.id ?? '', vm.zones?.[0]),
  name: vm.tags?.['Name'] ?? vm.name ?? '',
  state: powerStateOf(vm),
  nativeState: nativeStateOf(vm),
  instanceType: vm.hardwareProfile?.vmSize ?? '',
  purchase: purchaseOf(vm),
  tags: vm.tags ?? {},
  ...(vm.timeCreated === undefined ? {} : { launchedAt: new Date(vm.timeCreated).toISOString() }),
})
