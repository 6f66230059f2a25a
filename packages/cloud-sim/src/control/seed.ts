import type { DataCentre } from '../datacentre/datacentre.ts'
import { seedWebService } from '../datacentre/fixtures.ts'

export interface SeedInput {
  readonly name: string
  readonly count: number
  readonly purchase: 'spot' | 'on-demand'
  readonly instanceType?: string | undefined
  /** Absent: the services are spread over the zones. */
  readonly zone?: string | undefined
  /** That there is already. */
  readonly placementGroup?: string | undefined
  readonly tags: Readonly<Record<string, string>>
  /** Also a public address for each instance, bound to it once it runs. */
  readonly addresses: boolean
  readonly deregistrationDelaySeconds?: number | undefined
}

export interface Seeded {
  readonly name: string
  readonly instanceId: string
  readonly zone: string
  readonly loadBalancerArn: string
  readonly listenerArn: string
  readonly primaryTargetGroupArn: string
  readonly standbyTargetGroupArn: string
  /** Port of the service on its instances. */
  readonly port: number
  readonly allocationId?: string
}

/** `count` web services, each one instance behind a load balancer of its own with a primary and an empty standby group. */
export function seedServices(dataCentre: DataCentre, input: SeedInput): Seeded[] {
  const zones = input.zone === undefined ? dataCentre.network.describeZones().items.map((zone) => zone.name) : [input.zone]
  return Array.from({ length: input.count }, (_, index) => {
    const name = input.count === 1 ? input.name : `${input.name}-${index + 1}`
    const zone = zones[index % zones.length]
    const { instance, loadBalancer, binding } = seedWebService(dataCentre, {
      name,
      purchase: input.purchase,
      tags: { Service: input.name, ...input.tags },
      ...(zone === undefined ? {} : { zone }),
      ...(input.placementGroup === undefined ? {} : { placementGroup: input.placementGroup }),
      ...(input.instanceType === undefined ? {} : { instanceType: input.instanceType }),
      ...(input.deregistrationDelaySeconds === undefined ? {} : { deregistrationDelaySeconds: input.deregistrationDelaySeconds }),
    })
    const seeded = { name, instanceId: instance.instanceId, zone: instance.zone, loadBalancerArn: loadBalancer.arn, ...binding }
    return input.addresses ? { ...seeded, allocationId: bindAddress(dataCentre, instance.instanceId) } : seeded
  })
}

function bindAddress(dataCentre: DataCentre, instanceId: string): string {
  const { allocationId } = dataCentre.network.allocateAddress()
  const associate = (): void => void dataCentre.network.associateAddress({ allocationId, instanceId })
  if (dataCentre.instances.get(instanceId)?.state === 'running') {
    associate()
    return allocationId
  }
  // An address can be bound to a running instance only.
  const unsubscribe = dataCentre.subscribe((event) => {
    if (event.kind !== 'instance_state' || event.instanceId !== instanceId || event.to === 'pending') return
    unsubscribe()
    if (event.to === 'running') associate()
  })
  return allocationId
}
