import type { Instance } from '@aws-sdk/client-ec2'
import type { InstanceSummary, PowerState, PurchaseModel, Scope } from '@understudy/provider'
import { instanceRef } from './adapter.ts'
import { readTags } from './tags.ts'

/** `Client.UserInitiatedHibernate`, and `Server.SpotInstanceHibernation` for one that a spot interruption has put to rest. */
const hibernated = /Hibernat/

/** EC2 has no state of its own for a hibernated instance: it is a stopped one whose reason says so. */
export function powerStateOf(instance: Instance): PowerState {
  const byHibernation = hibernated.test(instance.StateReason?.Code ?? '')
  switch (instance.State?.Name) {
    case 'pending':
      return 'provisioning'
    case 'running':
      return 'running'
    case 'stopping':
      return byHibernation ? 'holding' : 'stopping'
    case 'stopped':
      return byHibernation ? 'held' : 'stopped'
    case 'shutting-down':
      return 'terminating'
    case 'terminated':
      return 'terminated'
    default:
      return 'unknown'
  }
}

export function stateReasonOf(instance: Instance): { readonly code: string; readonly message: string } | undefined {
  const { Code, Message } = instance.StateReason ?? {}
  return Code === undefined || Code === '' ? undefined : { code: Code, message: Message ?? '' }
}

export const purchaseOf = (instance: Instance): PurchaseModel => {
  if (instance.InstanceLifecycle === 'spot') return 'spot'
  return instance.InstanceLifecycle === 'capacity-block' ? 'reserved' : 'on-demand'
}

export function summaryOf(scope: Scope, instance: Instance): InstanceSummary {
  const tags = readTags(instance.Tags)
  const stateReason = stateReasonOf(instance)
  return {
    ref: instanceRef(scope, instance.InstanceId ?? '', instance.Placement?.AvailabilityZone),
    name: tags['Name'] ?? instance.InstanceId ?? '',
    state: powerStateOf(instance),
    nativeState: instance.State?.Name ?? 'unknown',
    ...(stateReason === undefined ? {} : { stateReason }),
    instanceType: instance.InstanceType ?? '',
    purchase: purchaseOf(instance),
    tags,
    ...(instance.LaunchTime === undefined ? {} : { launchedAt: instance.LaunchTime.toISOString() }),
  }
}
