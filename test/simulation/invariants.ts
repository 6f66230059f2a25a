import type { DataCentre, Instance } from '@understudy/cloud-sim'
import { ownTags } from '@understudy/core'

export class InvariantViolated extends Error {}

const fail = (text: string): never => {
  throw new InvariantViolated(text)
}

export interface Watched {
  readonly listenerArn: string
  readonly groups: readonly [string, string]
  readonly resourceId: string
}

const gone = (instance: Instance): boolean => instance.state === 'terminated' || instance.state === 'shutting-down'

/** Holds at every moment, whatever has crashed or failed. Looks at the cloud only: what we believe does not matter to it. */
export function checkEveryMoment(dc: DataCentre, watched: readonly Watched[]): void {
  for (const service of watched) {
    const primaries = [...dc.instances.all()].filter(
      (instance) => instance.tags[ownTags.role] === 'primary' && instance.tags[ownTags.resource] === service.resourceId && !gone(instance),
    )
    if (primaries.length > 1) fail(`two primaries of ${service.resourceId}: ${primaries.map((instance) => instance.instanceId).join(', ')}`)
    const weights = weightsOf(dc, service)
    const heavy = weights.filter((group) => group.weight > 0)
    if (heavy.length === 0) fail(`all weights of ${service.listenerArn} are 0`)
  }
}

export function weightsOf(dc: DataCentre, service: Watched): readonly { readonly arn: string; readonly weight: number }[] {
  const [listener] = dc.balancers.describeListeners({ listenerArns: [service.listenerArn] })
  const forward = listener?.defaultActions.find((action) => action.kind === 'forward')
  return forward?.targetGroups.map((group) => ({ arn: group.targetGroupArn, weight: group.weight })) ?? []
}

/** Who is registered where, for the message of a violation. */
export const describeService = (dc: DataCentre, service: Watched): string =>
  weightsOf(dc, service)
    .map(
      ({ arn, weight }) =>
        `${weight}: ${
          dc.balancers
            .targetHealth(arn)
            .map((target) => `${target.instanceId} ${target.health} ${dc.instances.get(target.instanceId)?.state ?? ''}`)
            .join(', ') || 'nobody'
        }`,
    )
    .join(' | ')

/** Whether some healthy instance gets the traffic of the service. */
export function isServed(dc: DataCentre, service: Watched): boolean {
  return weightsOf(dc, service)
    .filter((group) => group.weight > 0)
    .some((group) => dc.balancers.targetHealth(group.arn).some((target) => target.health === 'healthy'))
}

/**
 * Called at the moment of each TerminateInstances of ours. An instance that still gets traffic is never ended by us, and the one
 * tagged primary only after it has been retired.
 */
export function checkTermination(dc: DataCentre, watched: readonly Watched[], instanceId: string): void {
  for (const service of watched) {
    for (const group of weightsOf(dc, service)) {
      if (group.weight === 0) continue
      const target = dc.balancers.targetHealth(group.arn).find((candidate) => candidate.instanceId === instanceId)
      if (target && target.health !== 'draining' && target.health !== 'unused')
        fail(`${instanceId} was ended while it had the traffic of ${service.resourceId}`)
    }
    const instance = dc.instances.get(instanceId)
    if (instance?.tags[ownTags.role] === 'primary' && instance.tags[ownTags.resource] === service.resourceId)
      fail(`the primary ${instanceId} of ${service.resourceId} was ended before it was retired`)
  }
}
