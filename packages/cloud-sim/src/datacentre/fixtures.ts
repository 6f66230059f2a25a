import type { Tags, Instance, InstanceType, Listener, LoadBalancer, TargetGroup } from './types.ts'
import { createDataCentre } from './create-datacentre.ts'
import type { DataCentre, DataCentreOptions } from './datacentre.ts'

/** Images of the seeded region. */
export const seededImages = {
  /** Root device `/dev/xvda`. */
  amazonLinux: 'ami-0a11c0de0000000a1',
  /** Root device `/dev/sda1`: nobody may take `/dev/xvda` for granted. */
  ubuntu: 'ami-0a11c0de0000000a2',
  arm: 'ami-0a11c0de0000000a3',
} as const

/** Name, vCPUs, GiB of memory, USD per hour. */
const types: readonly (readonly [string, number, number, number])[] = [
  ['t3.micro', 2, 1, 0.0104],
  ['t3.small', 2, 2, 0.0208],
  ['t3.medium', 2, 4, 0.0416],
  ['t3.large', 2, 8, 0.0832],
  ['t3.xlarge', 4, 16, 0.1664],
  ['c7i.large', 2, 4, 0.08925],
  ['c7i.xlarge', 4, 8, 0.1785],
  ['m6i.large', 2, 8, 0.096],
  ['m6i.xlarge', 4, 16, 0.192],
  ['m7i.large', 2, 8, 0.1008],
  ['m7i.xlarge', 4, 16, 0.2016],
  ['m7i.2xlarge', 8, 32, 0.4032],
  ['r7i.large', 2, 16, 0.1323],
  ['r7i.xlarge', 4, 32, 0.2646],
  ['m7g.large', 2, 8, 0.0816],
]

const rootSizeGiB = 40

/** The region everybody starts with: `sim-east-1`, three zones, images and the common types. */
export function seedRegion(options: DataCentreOptions): DataCentre {
  const dc = createDataCentre(options)
  for (const [instanceType, vcpus, memoryGiB, onDemandUsdPerHour] of types)
    dc.catalogue.addInstanceType(typeOf(instanceType, vcpus, memoryGiB, onDemandUsdPerHour))
  const common = { platform: 'linux', rootSizeGiB, bootMode: 'uefi-preferred' } as const
  dc.catalogue.addImage({
    ...common,
    imageId: seededImages.amazonLinux,
    name: 'sim-linux-2026.1-x86_64',
    rootDeviceName: '/dev/xvda',
    architecture: 'x86_64',
  })
  dc.catalogue.addImage({
    ...common,
    imageId: seededImages.ubuntu,
    name: 'sim-ubuntu-26.04-x86_64',
    rootDeviceName: '/dev/sda1',
    architecture: 'x86_64',
  })
  dc.catalogue.addImage({ ...common, imageId: seededImages.arm, name: 'sim-linux-2026.1-arm64', rootDeviceName: '/dev/xvda', architecture: 'arm64' })
  return dc
}

function typeOf(instanceType: string, vcpus: number, memoryGiB: number, onDemandUsdPerHour: number): InstanceType {
  return {
    instanceType,
    vcpus,
    memoryMiB: memoryGiB * 1024,
    hibernationSupported: instanceType !== 't3.micro',
    architecture: instanceType.includes('g.') ? 'arm64' : 'x86_64',
    onDemandUsdPerHour,
    maxVolumes: 28,
    maxNetworkInterfaces: 3,
    notOfferedIn: [],
  }
}

export interface SeededService {
  readonly instance: Instance
  readonly loadBalancer: LoadBalancer
  readonly listener: Listener
  readonly primary: TargetGroup
  readonly standby: TargetGroup
  /** What `TrafficBinding.native` is for this service under `lb-weight`. */
  readonly binding: {
    readonly listenerArn: string
    readonly primaryTargetGroupArn: string
    readonly standbyTargetGroupArn: string
    readonly port: number
  }
}

/**
 * One instance behind a listener that forwards to two groups by weight: `primary` 100 with the instance, `standby` 0 and empty.
 * The instance is registered as soon as it runs.
 */
export function seedWebService(
  dc: DataCentre,
  service: {
    readonly name: string
    readonly purchase?: 'spot' | 'on-demand'
    readonly instanceType?: string
    readonly imageId?: string
    readonly zone?: string
    /** Port of the service on its instances. Default 8080. */
    readonly port?: number
    /** Port of the load balancer. Default 80. */
    readonly listenPort?: number
    readonly tags?: Tags
    readonly intervalSeconds?: number
    readonly deregistrationDelaySeconds?: number
    readonly userData?: string
    /** That there is already. */
    readonly placementGroup?: string
  },
): SeededService {
  const port = service.port ?? 8080
  const zone = service.zone ?? dc.network.describeZones().items[0]?.name
  const { instances } = dc.instances.run({
    imageId: service.imageId ?? seededImages.amazonLinux,
    instanceType: service.instanceType ?? 'm7i.large',
    minCount: 1,
    maxCount: 1,
    ...(zone === undefined ? {} : { zone }),
    ...(service.purchase === 'on-demand' ? {} : { spot: { kind: 'one-time', interruptionBehavior: 'terminate' } as const }),
    ...(service.userData === undefined ? {} : { userData: service.userData }),
    ...(service.placementGroup === undefined ? {} : { placementGroup: service.placementGroup }),
    blockDevices: [{ deviceName: '/dev/sdf', sizeGiB: 20, type: 'gp3', deleteOnTermination: true }],
    tags: { instance: { Name: service.name, ...service.tags }, volume: { Name: service.name } },
  })
  const [instance] = instances
  if (!instance) throw new Error('one instance was asked for and none came')
  const group = (role: string): TargetGroup =>
    dc.balancers.createTargetGroup({
      name: `${service.name}-${role}`,
      port,
      healthCheck: { intervalSeconds: service.intervalSeconds ?? 5, timeoutSeconds: 2, healthyThreshold: 2, unhealthyThreshold: 2, path: '/healthz' },
      deregistrationDelaySeconds: service.deregistrationDelaySeconds ?? 30,
    })
  const primary = group('primary')
  const standby = group('standby')
  const loadBalancer = dc.balancers.createLoadBalancer({ name: service.name })
  const listener = dc.balancers.createListener({
    loadBalancerArn: loadBalancer.arn,
    port: service.listenPort ?? 80,
    defaultActions: [
      {
        kind: 'forward',
        targetGroups: [
          { targetGroupArn: primary.arn, weight: 100 },
          { targetGroupArn: standby.arn, weight: 0 },
        ],
      },
    ],
  })
  registerOnceRunning(dc, instance, primary)
  return {
    instance,
    loadBalancer,
    listener,
    primary,
    standby,
    binding: { listenerArn: listener.arn, primaryTargetGroupArn: primary.arn, standbyTargetGroupArn: standby.arn, port },
  }
}

/** A target group takes running instances only. */
function registerOnceRunning(dc: DataCentre, instance: Instance, group: TargetGroup): void {
  const register = (): void => dc.balancers.registerTargets(group.arn, [{ instanceId: instance.instanceId }])
  if (instance.state === 'running') {
    register()
    return
  }
  const unsubscribe = dc.subscribe((event) => {
    if (event.kind !== 'instance_state' || event.instanceId !== instance.instanceId || event.to === 'pending') return
    unsubscribe()
    if (event.to === 'running') register()
  })
}
