import type { InstanceSummary, Offering, PowerState, PurchaseModel, Scope } from '@understudy/provider'
import { instanceRef } from './adapter.ts'
import type { Instance } from './clients.ts'
import { nameTag, readLabels } from './label-text.ts'
import { lastPart } from './names.ts'

const states: Readonly<Record<string, PowerState>> = {
  PENDING: 'provisioning',
  PROVISIONING: 'provisioning',
  STAGING: 'provisioning',
  RUNNING: 'running',
  PENDING_STOP: 'stopping',
  STOPPING: 'stopping',
  // Google's word for an instance that rests and can be started again.
  TERMINATED: 'stopped',
  STOPPED: 'stopped',
  SUSPENDING: 'holding',
  SUSPENDED: 'held',
  REPAIRING: 'repairing',
  DEPROVISIONING: 'terminating',
}

export const nativeStateOf = (instance: Instance): string => String(instance.status ?? 'UNKNOWN')
export const powerStateOf = (instance: Instance): PowerState => states[nativeStateOf(instance)] ?? 'unknown'
export const zoneOf = (instance: Instance): string => lastPart(instance.zone)
export const idOf = (instance: Instance): string => String(instance.id ?? '')
export const typeOf = (instance: Instance): string => lastPart(instance.machineType)

export function purchaseOf({ scheduling }: Instance): PurchaseModel {
  if (scheduling?.provisioningModel === 'SPOT' || scheduling?.preemptible === true) return 'spot'
  return scheduling?.provisioningModel === 'RESERVATION_BOUND' ? 'reserved' : 'on-demand'
}

export const offeringOf = (
  instance: Instance,
): Offering & { readonly instanceType: string; readonly zone: string; readonly purchase: PurchaseModel } => ({
  instanceType: typeOf(instance),
  zone: zoneOf(instance),
  purchase: purchaseOf(instance),
})

export function summaryOf(scope: Scope, instance: Instance): InstanceSummary {
  const tags = readLabels(instance.labels)
  const { statusMessage } = instance
  return {
    ref: instanceRef(scope, idOf(instance), zoneOf(instance)),
    name: tags[nameTag] ?? instance.name ?? idOf(instance),
    state: powerStateOf(instance),
    nativeState: nativeStateOf(instance),
    ...(statusMessage ? { stateReason: { code: nativeStateOf(instance), message: statusMessage } } : {}),
    instanceType: typeOf(instance),
    purchase: purchaseOf(instance),
    tags,
    ...(instance.lastStartTimestamp ? { launchedAt: new Date(instance.lastStartTimestamp).toISOString() } : {}),
  }
}
