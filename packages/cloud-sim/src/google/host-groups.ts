import type { RunInstancesInput } from '../datacentre/api.ts'
import { SimError } from '../datacentre/sim-error.ts'
import type { Body, Call } from './call.ts'
import { isObject, lastPart, objectsIn, textIn } from './call.ts'
import { invalid } from './fault.ts'

const groupKey = 'compute.googleapis.com/node-group-name'

/** Names of the placement policies that an insertion gives; they have to exist. */
export function policiesIn({ project, body }: Call): readonly string[] {
  const given = Array.isArray(body['resourcePolicies']) ? body['resourcePolicies'].filter((url) => typeof url === 'string') : []
  for (const url of given) {
    if (project.policies.get(lastPart(url))?.body['groupPlacementPolicy'] === undefined)
      throw invalid('resource.resourcePolicies[0]', url, 'The referenced resource does not exist.')
  }
  return given.map((url) => lastPart(url))
}

/** What of the scheduling is about hosts, as it is shown. */
export function hostScheduling(given: Body): Body {
  const affinities = objectsIn(given['nodeAffinities'])
  for (const [index, affinity] of affinities.entries()) {
    const operator = textIn(affinity, 'operator')
    if (operator !== 'IN' && operator !== 'NOT_IN') throw invalid(`resource.scheduling.nodeAffinities[${index}].operator`, operator)
  }
  const domain = given['availabilityDomain']
  return { ...(affinities.length === 0 ? {} : { nodeAffinities: affinities }), ...(domain === undefined ? {} : { availabilityDomain: domain }) }
}

/** Node groups and placement policies are groups of the data centre by their names. */
export function hostPlacement(call: Call, scheduling: Body): Pick<RunInstancesInput, 'hostGroup' | 'placementGroup' | 'partition'> {
  const affinity = objectsIn(scheduling['nodeAffinities']).find((one) => textIn(one, 'key') === groupKey)
  const values: readonly unknown[] = affinity !== undefined && Array.isArray(affinity['values']) ? affinity['values'] : []
  const [group] = values
  // Affinities are labels: what no node has is no error of the request.
  if (affinity !== undefined && (typeof group !== 'string' || call.project.dataCentre.hostGroups.find(group) === undefined))
    throw new SimError('InsufficientHostCapacity', 'No node has the labels.', 500)
  const [policy] = policiesIn(call)
  const domain = scheduling['availabilityDomain']
  return {
    ...(typeof group === 'string' ? { hostGroup: group } : {}),
    ...(policy === undefined ? {} : { placementGroup: policy }),
    ...(typeof domain === 'number' ? { partition: domain } : {}),
  }
}

/** A placement policy is a group that there is from now on. */
export function placePolicy({ project }: Call, name: string, policy: unknown): void {
  if (!isObject(policy)) throw invalid('resource.groupPlacementPolicy', policy)
  const domains = policy['availabilityDomainCount']
  const strategy = policy['collocation'] === 'COLLOCATED' ? 'cluster' : 'partition'
  project.dataCentre.hostGroups.create({ name, strategy, ...(typeof domains === 'number' ? { partitions: domains } : {}) })
}
