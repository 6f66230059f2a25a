import type { JsonObject } from '@understudy/core'

/** Where everything is that is made here. */
export const resourceGroup = 'shop'

export interface Resource {
  readonly type: string
  readonly name: string
  readonly version: string
  readonly body: JsonObject
}
const versions = { compute: '2026-03-01', disks: '2025-01-02', network: '2025-05-01' }

/** The bodies with which somebody would set up a service: in this order, and then `member` once the machine runs. */
export function azureWorkload(subscription: string, location: string, name: string) {
  const idOf = (type: string, resource: string): string =>
    `/subscriptions/${subscription}/resourceGroups/${resourceGroup}/providers/${type}/${resource}`
  const balancerId = idOf('Microsoft.Network/loadBalancers', `${name}-lb`)
  const poolId = `${balancerId}/backendAddressPools/web`
  const nic = (pools: readonly string[]): Resource => ({
    type: 'Microsoft.Network/networkInterfaces',
    name: `${name}-nic`,
    version: versions.network,
    body: {
      location,
      properties: {
        ipConfigurations: [
          {
            name: 'primary',
            properties: {
              subnet: { id: idOf('Microsoft.Network/virtualNetworks', 'net/subnets/web') },
              ...(pools.length === 0 ? {} : { loadBalancerBackendAddressPools: pools.map((id) => ({ id })) }),
            },
          },
        ],
      },
    },
  })
  const resources: readonly Resource[] = [
    { type: 'Microsoft.Network/loadBalancers', name: `${name}-lb`, version: versions.network, body: balancer(location, balancerId) },
    nic([]),
    {
      type: 'Microsoft.Compute/disks',
      name: `${name}-os`,
      version: versions.disks,
      body: {
        location,
        zones: ['1'],
        sku: { name: 'Premium_LRS' },
        properties: {
          diskSizeGB: 40,
          creationData: { createOption: 'FromImage', imageReference: { id: idOf('Microsoft.Compute/images', 'shop-image') } },
        },
      },
    },
    machine(location, name, idOf),
  ]
  return { resources, member: nic([poolId]), machineId: idOf('Microsoft.Compute/virtualMachines', name), poolId, balancerId }
}

const machine = (location: string, name: string, idOf: (type: string, resource: string) => string): Resource => ({
  type: 'Microsoft.Compute/virtualMachines',
  name,
  version: versions.compute,
  body: {
    location,
    zones: ['1'],
    tags: { Name: name },
    properties: {
      hardwareProfile: { vmSize: 'Standard_D2s_v5' },
      storageProfile: {
        osDisk: {
          createOption: 'Attach',
          osType: 'Linux',
          managedDisk: { id: idOf('Microsoft.Compute/disks', `${name}-os`) },
          deleteOption: 'Delete',
        },
      },
      networkProfile: {
        networkInterfaces: [
          { id: idOf('Microsoft.Network/networkInterfaces', `${name}-nic`), properties: { primary: true, deleteOption: 'Delete' } },
        ],
      },
      priority: 'Spot',
      evictionPolicy: 'Deallocate',
      billingProfile: { maxPrice: -1 },
    },
  },
})

/** The one security group that is there from the start, as the network and its subnet are: a stand-in from elsewhere names it. */
export const webGroup = (location: string): Resource => ({
  type: 'Microsoft.Network/networkSecurityGroups',
  name: 'web',
  version: versions.network,
  body: {
    location,
    properties: {
      securityRules: [
        {
          name: 'http',
          properties: {
            ...{ priority: 100, direction: 'Inbound', access: 'Allow', protocol: 'Tcp' },
            ...{ sourceAddressPrefix: '*', sourcePortRange: '*', destinationAddressPrefix: '*', destinationPortRange: '8080' },
          },
        },
      ],
    },
  },
})

const balancer = (location: string, id: string): JsonObject => ({
  location,
  sku: { name: 'Standard' },
  properties: {
    frontendIPConfigurations: [{ name: 'front', properties: {} }],
    backendAddressPools: [{ name: 'web' }],
    probes: [
      {
        name: 'http',
        properties: { protocol: 'Http', port: 8080, requestPath: '/healthz', intervalInSeconds: 5, numberOfProbes: 2 },
      },
    ],
    loadBalancingRules: [
      {
        name: 'web',
        properties: {
          protocol: 'Tcp',
          frontendPort: 80,
          backendPort: 8080,
          frontendIPConfiguration: { id: `${id}/frontendIPConfigurations/front` },
          backendAddressPool: { id: `${id}/backendAddressPools/web` },
          probe: { id: `${id}/probes/http` },
        },
      },
    ],
  },
})
