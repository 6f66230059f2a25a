import { seedWebService } from '@understudy/cloud-sim'
import type { DataCentre } from '@understudy/cloud-sim'
import type { Random } from '@understudy/core'
import type { TrafficBinding, TrafficMechanism } from '@understudy/provider'
import type { Cloud } from './clouds/cloud.ts'
import type { Entry } from './invariants.ts'

export interface SeededService {
  readonly nativeId: string
  readonly traffic: TrafficBinding
  readonly entry: Entry
}

/** A service as somebody has set it up before: a spot instance in zone a, and the way in to it. */
export function seedService(
  dc: DataCentre,
  cloud: Cloud,
  service: { readonly name: string; readonly mechanism: TrafficMechanism; readonly random: Random },
): SeededService {
  const { name, mechanism, random } = service
  const { instance, listener, primary, binding } = seedWebService(dc, {
    name,
    purchase: 'spot',
    instanceType: cloud.instanceType,
    ...(cloud.imageId === undefined ? {} : { imageId: cloud.imageId }),
    intervalSeconds: 5,
    deregistrationDelaySeconds: random.int(1, 60),
  })
  const nativeId = instance.instanceId
  if (mechanism === 'address-move') {
    const { allocationId } = dc.network.allocateAddress()
    const unsubscribe = dc.subscribe((event) => {
      if (event.kind !== 'instance_state' || event.instanceId !== nativeId || event.to !== 'running') return
      unsubscribe()
      dc.network.associateAddress({ allocationId, instanceId: nativeId })
    })
    return { nativeId, traffic: { mechanism, native: { allocationId } }, entry: { kind: 'address', allocationId } }
  }
  const entry: Entry = { kind: 'balancer', listenerArn: listener.arn }
  if (mechanism === 'lb-weight') return { nativeId, traffic: { mechanism, native: { ...binding } }, entry }
  return { nativeId, traffic: { mechanism: 'lb-target', native: { targetGroupArn: primary.arn, port: binding.port } }, entry }
}
