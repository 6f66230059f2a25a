import type { Route } from './call.ts'
import { addressRoutes } from './address-routes.ts'
import { diskRoutes } from './disk-routes.ts'
import { dnsRoutes } from './dns-routes.ts'
import { endpointRoutes } from './endpoint-routes.ts'
import { firewallRoutes } from './firewall-routes.ts'
import { imageRoutes } from './image-routes.ts'
import { instanceDiskRoutes } from './instance-disk-routes.ts'
import { instanceRoutes } from './instance-routes.ts'
import { otherRoutes } from './other-routes.ts'
import { pubsubRoutes } from './pubsub-routes.ts'
import { snapshotRoutes } from './snapshot-routes.ts'
import { trafficRoutes } from './traffic-routes.ts'

const zonal = '/compute/v1/projects/{project}/zones/{zone}'
const project = '/compute/v1/projects/{project}'
const managedZone = '/dns/v1/projects/{project}/managedZones/{managedZone}'
const regional = `${project}/regions/{region}`

/** Method and path of each operation that is simulated. */
const rules: Readonly<Record<string, readonly [method: string, path: string]>> = {
  'projects.get': ['GET', project],
  'instances.aggregatedList': ['GET', `${project}/aggregated/instances`],
  'disks.aggregatedList': ['GET', `${project}/aggregated/disks`],
  'instances.get': ['GET', `${zonal}/instances/{instance}`],
  'instances.insert': ['POST', `${zonal}/instances`],
  'instances.delete': ['DELETE', `${zonal}/instances/{instance}`],
  'instances.start': ['POST', `${zonal}/instances/{instance}/start`],
  'instances.stop': ['POST', `${zonal}/instances/{instance}/stop`],
  'instances.suspend': ['POST', `${zonal}/instances/{instance}/suspend`],
  'instances.resume': ['POST', `${zonal}/instances/{instance}/resume`],
  'instances.setMachineType': ['POST', `${zonal}/instances/{instance}/setMachineType`],
  'instances.setLabels': ['POST', `${zonal}/instances/{instance}/setLabels`],
  'instances.setDeletionProtection': ['POST', `${zonal}/instances/{resource}/setDeletionProtection`],
  'instances.attachDisk': ['POST', `${zonal}/instances/{instance}/attachDisk`],
  'instances.detachDisk': ['POST', `${zonal}/instances/{instance}/detachDisk`],
  'instances.setDiskAutoDelete': ['POST', `${zonal}/instances/{instance}/setDiskAutoDelete`],
  'disks.get': ['GET', `${zonal}/disks/{disk}`],
  'disks.insert': ['POST', `${zonal}/disks`],
  'disks.delete': ['DELETE', `${zonal}/disks/{disk}`],
  'disks.addResourcePolicies': ['POST', `${zonal}/disks/{disk}/addResourcePolicies`],
  'snapshots.get': ['GET', `${project}/global/snapshots/{snapshot}`],
  'snapshots.list': ['GET', `${project}/global/snapshots`],
  'snapshots.insert': ['POST', `${project}/global/snapshots`],
  'snapshots.delete': ['DELETE', `${project}/global/snapshots/{snapshot}`],
  'snapshots.setLabels': ['POST', `${project}/global/snapshots/{resource}/setLabels`],
  'images.get': ['GET', `${project}/global/images/{image}`],
  'images.list': ['GET', `${project}/global/images`],
  'images.insert': ['POST', `${project}/global/images`],
  'images.delete': ['DELETE', `${project}/global/images/{image}`],
  'regions.list': ['GET', `${project}/regions`],
  'instantSnapshots.list': ['GET', `${zonal}/instantSnapshots`],
  'instantSnapshots.delete': ['DELETE', `${zonal}/instantSnapshots/{instantSnapshot}`],
  'instantSnapshotGroups.get': ['GET', `${zonal}/instantSnapshotGroups/{instantSnapshotGroup}`],
  'instantSnapshotGroups.insert': ['POST', `${zonal}/instantSnapshotGroups`],
  'instantSnapshotGroups.delete': ['DELETE', `${zonal}/instantSnapshotGroups/{instantSnapshotGroup}`],
  'firewalls.get': ['GET', `${project}/global/firewalls/{firewall}`],
  'firewalls.list': ['GET', `${project}/global/firewalls`],
  'firewalls.insert': ['POST', `${project}/global/firewalls`],
  'firewalls.patch': ['PATCH', `${project}/global/firewalls/{firewall}`],
  'firewalls.delete': ['DELETE', `${project}/global/firewalls/{firewall}`],
  'resourcePolicies.get': ['GET', `${regional}/resourcePolicies/{resourcePolicy}`],
  'resourcePolicies.insert': ['POST', `${regional}/resourcePolicies`],
  'zones.list': ['GET', `${project}/zones`],
  'regionOperations.wait': ['POST', `${regional}/operations/{operation}/wait`],
  'globalOperations.get': ['GET', `${project}/global/operations/{operation}`],
  'disks.setLabels': ['POST', `${zonal}/disks/{resource}/setLabels`],
  'machineTypes.list': ['GET', `${zonal}/machineTypes`],
  'machineTypes.get': ['GET', `${zonal}/machineTypes/{machineType}`],
  'networkEndpointGroups.listNetworkEndpoints': ['POST', `${zonal}/networkEndpointGroups/{networkEndpointGroup}/listNetworkEndpoints`],
  'networkEndpointGroups.attachNetworkEndpoints': ['POST', `${zonal}/networkEndpointGroups/{networkEndpointGroup}/attachNetworkEndpoints`],
  'networkEndpointGroups.detachNetworkEndpoints': ['POST', `${zonal}/networkEndpointGroups/{networkEndpointGroup}/detachNetworkEndpoints`],
  'addresses.get': ['GET', `${regional}/addresses/{address}`],
  'instances.deleteAccessConfig': ['POST', `${zonal}/instances/{instance}/deleteAccessConfig`],
  'instances.addAccessConfig': ['POST', `${zonal}/instances/{instance}/addAccessConfig`],
  'globalOperations.aggregatedList': ['GET', `${project}/aggregated/operations`],
  'pubsub.pull': ['POST', '/v1/projects/{project}/subscriptions/{subscription}:pull'],
  'pubsub.acknowledge': ['POST', '/v1/projects/{project}/subscriptions/{subscription}:acknowledge'],
  'dns.resourceRecordSets.get': ['GET', `${managedZone}/rrsets/{name}/{type}`],
  'dns.changes.list': ['GET', `${managedZone}/changes`],
  'dns.changes.create': ['POST', `${managedZone}/changes`],
  'instanceGroups.listInstances': ['POST', `${zonal}/instanceGroups/{instanceGroup}/listInstances`],
  'instanceGroups.addInstances': ['POST', `${zonal}/instanceGroups/{instanceGroup}/addInstances`],
  'instanceGroups.removeInstances': ['POST', `${zonal}/instanceGroups/{instanceGroup}/removeInstances`],
  'backendServices.get': ['GET', `${project}/global/backendServices/{backendService}`],
  'backendServices.patch': ['PATCH', `${project}/global/backendServices/{backendService}`],
  'backendServices.getHealth': ['POST', `${project}/global/backendServices/{backendService}/getHealth`],
  'globalOperations.wait': ['POST', `${project}/global/operations/{operation}/wait`],
  'zoneOperations.get': ['GET', `${zonal}/operations/{operation}`],
  'zoneOperations.wait': ['POST', `${zonal}/operations/{operation}/wait`],
}

interface Rule {
  readonly method: string
  readonly pattern: RegExp
  readonly names: readonly string[]
  readonly route: Route
}

const routes: readonly Rule[] = [
  ...instanceRoutes,
  ...instanceDiskRoutes,
  ...diskRoutes,
  ...snapshotRoutes,
  ...imageRoutes,
  ...otherRoutes,
  ...trafficRoutes,
  ...endpointRoutes,
  ...addressRoutes,
  ...firewallRoutes,
  ...dnsRoutes,
  ...pubsubRoutes,
].map((route) => {
  const [method, path] = rules[route.operation] ?? ['', '']
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  return { method, names, route, pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '([^/]+)')}$`) }
})

export function routeFor(method: string, path: string): { readonly route: Route; readonly path: Readonly<Record<string, string>> } | undefined {
  for (const rule of routes) {
    const found = rule.method === method ? rule.pattern.exec(path) : null
    if (found !== null)
      return { route: rule.route, path: Object.fromEntries(rule.names.map((name, index) => [name, decodeURIComponent(found[index + 1] ?? '')])) }
  }
  return undefined
}
