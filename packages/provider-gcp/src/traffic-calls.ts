import type { protos } from '@google-cloud/compute'
import { changeOptions, listed, listOptions, readOptions } from './call-kit.ts'
import type { Accepted, Tell } from './call-kit.ts'
import type { Backend } from './clients.ts'

type AccessConfig = protos.google.cloud.compute.v1.IAccessConfig
type NetworkEndpoint = protos.google.cloud.compute.v1.INetworkEndpoint

interface Place {
  readonly project: string
  readonly region: string
}
interface GroupTarget {
  readonly zone: string
  readonly name: string
  /** URL of the instance. */
  readonly instance: string
  readonly requestId: string
}

export const trafficCalls = (place: Place, tell: Tell, accepted: Accepted) => ({
  ...serviceCalls(place, tell, accepted),
  ...endpointCalls(place, tell, accepted),
  ...addressCalls(place, tell, accepted),
})

/** Backend services and the unmanaged instance groups behind them. */
const serviceCalls = ({ project }: Place, tell: Tell, accepted: Accepted) => ({
  getBackendService: (backendService: string) =>
    tell('read', async ({ backendServices }) => (await backendServices.get({ project, backendService }, readOptions))[0]),
  getBackendHealth: (backendService: string, group: string) =>
    tell(
      'read',
      async ({ backendServices }) =>
        (await backendServices.getHealth({ project, backendService, resourceGroupReferenceResource: { group } }, readOptions))[0],
    ),
  listGroup: ({ zone, name }: { readonly zone: string; readonly name: string }) =>
    tell('read', async ({ instanceGroups }) => {
      const request = { project, zone, instanceGroup: name, instanceGroupsListInstancesRequestResource: { instanceState: 'ALL' } }
      return (await instanceGroups.listInstances(request, readOptions))[0]
    }),
  addToGroup: ({ zone, name, instance, requestId }: GroupTarget, signal?: AbortSignal) =>
    accepted(
      ({ instanceGroups }) =>
        instanceGroups.addInstances(
          { project, zone, instanceGroup: name, requestId, instanceGroupsAddInstancesRequestResource: { instances: [{ instance }] } },
          changeOptions,
        ),
      { signal },
    ),
  removeFromGroup: ({ zone, name, instance, requestId }: GroupTarget, signal?: AbortSignal) =>
    accepted(
      ({ instanceGroups }) =>
        instanceGroups.removeInstances(
          { project, zone, instanceGroup: name, requestId, instanceGroupsRemoveInstancesRequestResource: { instances: [{ instance }] } },
          changeOptions,
        ),
      { signal },
    ),
  patchBackends: (
    change: { readonly backendService: string; readonly backends: Backend[]; readonly fingerprint: string; readonly requestId: string },
    signal?: AbortSignal,
  ) => {
    const { backendService, backends, fingerprint, requestId } = change
    return accepted(
      ({ backendServices }) =>
        backendServices.patch({ project, backendService, requestId, backendServiceResource: { backends, fingerprint } }, changeOptions),
      { signal },
    )
  },
})

/** Zonal network endpoint groups. */
const endpointCalls = ({ project }: Place, tell: Tell, accepted: Accepted) => ({
  listEndpoints: ({ zone, name }: { readonly zone: string; readonly name: string }) =>
    listed(tell, ({ networkEndpointGroups }) =>
      networkEndpointGroups.listNetworkEndpointsAsync(
        {
          project,
          zone,
          networkEndpointGroup: name,
          networkEndpointGroupsListEndpointsRequestResource: { healthStatus: 'SHOW' },
          maxResults: 500,
        },
        listOptions,
      ),
    ),
  changeEndpoints: (
    verb: 'attach' | 'detach',
    change: { readonly zone: string; readonly name: string; readonly endpoint: NetworkEndpoint; readonly requestId: string },
    signal?: AbortSignal,
  ) => {
    const { zone, name: networkEndpointGroup, endpoint, requestId } = change
    const group = { project, zone, networkEndpointGroup, requestId }
    const networkEndpoints = [endpoint]
    return accepted(
      ({ networkEndpointGroups }) =>
        verb === 'attach'
          ? networkEndpointGroups.attachNetworkEndpoints(
              { ...group, networkEndpointGroupsAttachEndpointsRequestResource: { networkEndpoints } },
              changeOptions,
            )
          : networkEndpointGroups.detachNetworkEndpoints(
              { ...group, networkEndpointGroupsDetachEndpointsRequestResource: { networkEndpoints } },
              changeOptions,
            ),
      { signal },
    )
  },
})

interface NicTarget {
  readonly zone: string
  readonly instance: string
  readonly networkInterface: string
  readonly requestId: string
}

/** Reserved addresses of the region, and who answers to them. */
const addressCalls = ({ project, region }: Place, tell: Tell, accepted: Accepted) => ({
  getAddress: (address: string) => tell('read', async ({ addresses }) => (await addresses.get({ project, region, address }, readOptions))[0]),
  deleteAccessConfig: (target: NicTarget & { readonly accessConfig: string }, signal?: AbortSignal) =>
    accepted(({ instances }) => instances.deleteAccessConfig({ project, ...target }, changeOptions), { signal }),
  addAccessConfig: (target: NicTarget, accessConfigResource: AccessConfig, signal?: AbortSignal) =>
    accepted(({ instances }) => instances.addAccessConfig({ project, ...target, accessConfigResource }, changeOptions), { signal }),
})
