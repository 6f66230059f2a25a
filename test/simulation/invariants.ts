import type { DataCentre, Instance } from '@understudy/cloud-sim'
import { ownTags } from '@understudy/core'

export class InvariantViolated extends Error {}

const fail = (text: string): never => {
  throw new InvariantViolated(text)
}

/** Where the clients of a service come in. */
export type Entry = { readonly kind: 'balancer'; readonly listenerArn: string } | { readonly kind: 'address'; readonly allocationId: string }

export interface Watched {
  readonly dc: DataCentre
  readonly entry: Entry
  readonly resourceId: string
}

const gone = (instance: Instance): boolean => instance.state === 'terminated' || instance.state === 'shutting-down'

/** Holds at every moment, whatever has crashed or failed. Looks at the cloud only: what we believe does not matter to it. */
export function checkEveryMoment(watched: readonly Watched[]): void {
  for (const service of watched) {
    const primaries = [...service.dc.instances.all()].filter(
      (instance) => instance.tags[ownTags.role] === 'primary' && instance.tags[ownTags.resource] === service.resourceId && !gone(instance),
    )
    if (primaries.length > 1) fail(`two primaries of ${service.resourceId}: ${primaries.map((instance) => instance.instanceId).join(', ')}`)
    const heavy = weightsOf(service).filter((group) => group.weight > 0)
    if (service.entry.kind === 'balancer' && heavy.length === 0) fail(`all weights of ${service.entry.listenerArn} are 0`)
  }
}

function weightsOf({ dc, entry }: Watched): readonly { readonly arn: string; readonly weight: number }[] {
  if (entry.kind === 'address') return []
  const [listener] = dc.balancers.describeListeners({ listenerArns: [entry.listenerArn] })
  const forward = listener?.defaultActions.find((action) => action.kind === 'forward')
  return forward?.targetGroups.map((group) => ({ arn: group.targetGroupArn, weight: group.weight })) ?? []
}

const holderOf = ({ dc, entry }: Watched): string | undefined =>
  entry.kind === 'address' ? dc.network.describeAddresses({ ids: [entry.allocationId] }).items[0]?.instanceId : undefined

/** Who is registered where, for the message of a violation. */
export function describeService(service: Watched): string {
  const { dc, entry } = service
  const said = (instanceId: string): string => `${instanceId} ${dc.instances.get(instanceId)?.state ?? ''}`
  if (entry.kind === 'address') return `the address has ${said(holderOf(service) ?? 'nobody')}`
  return weightsOf(service)
    .map(({ arn, weight }) => {
      const targets = dc.balancers.targetHealth(arn).map((target) => `${said(target.instanceId)} ${target.health}`)
      return `${weight}: ${targets.join(', ') || 'nobody'}`
    })
    .join(' | ')
}

/** Whether some healthy instance gets the traffic of the service. */
export function isServed(service: Watched): boolean {
  const { dc, entry } = service
  if (entry.kind === 'address') return dc.instances.get(holderOf(service) ?? '')?.answering === true
  return weightsOf(service)
    .filter((group) => group.weight > 0)
    .some((group) => dc.balancers.targetHealth(group.arn).some((target) => target.health === 'healthy'))
}

/** Whether new requests of the service go to this instance. */
export function hasTraffic(service: Watched, instanceId: string): boolean {
  if (service.entry.kind === 'address') return holderOf(service) === instanceId
  return weightsOf(service)
    .filter(({ weight }) => weight > 0)
    .flatMap(({ arn }) => service.dc.balancers.targetHealth(arn))
    .some((target) => target.instanceId === instanceId && target.health !== 'draining' && target.health !== 'unused')
}

/**
 * Called at the moment of each TerminateInstances of ours. An instance that still gets traffic is never ended by us, and the one
 * tagged primary only after it has been retired.
 */
export function checkTermination(dc: DataCentre, watched: readonly Watched[], instanceId: string): void {
  for (const service of watched.filter((candidate) => candidate.dc === dc)) {
    if (hasTraffic(service, instanceId)) fail(`${instanceId} was ended while it had the traffic of ${service.resourceId}`)
    const instance = dc.instances.get(instanceId)
    if (instance?.tags[ownTags.role] === 'primary' && instance.tags[ownTags.resource] === service.resourceId)
      fail(`the primary ${instanceId} of ${service.resourceId} was ended before it was retired`)
  }
}
