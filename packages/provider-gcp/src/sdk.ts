import type { OAuth2Client } from 'google-auth-library'
import type { GcpCredentials, GcpSettings } from './settings.ts'

const scope = 'https://www.googleapis.com/auth/cloud-platform'

/**
 * Opens the SDK at the first call and not before: loading it takes seconds and 200 MB, which a process without an account on
 * Google Cloud has no use for.
 */
export function opened(settings: GcpSettings): { open(): Promise<Clients>; close(): Promise<void> } {
  let clients: Promise<Clients> | undefined
  return {
    open: async () => await (clients ??= sdkClients(settings)),
    async close() {
      if (clients !== undefined) await Promise.allSettled(Object.values(await clients).map(async (client) => await client.close()))
    },
  }
}

export type Clients = Awaited<ReturnType<typeof sdkClients>>

async function sdkClients({ endpoint, credentials }: GcpSettings) {
  const sdk = await import('@google-cloud/compute')
  const address = endpoint === undefined ? undefined : new URL(endpoint)
  const authClient = await authClientOf(credentials)
  const options = {
    fallback: true as const,
    ...(authClient === undefined ? {} : { authClient }),
    ...(address === undefined
      ? {}
      : {
          apiEndpoint: address.hostname,
          port: address.port === '' ? (address.protocol === 'https:' ? 443 : 80) : Number(address.port),
          protocol: address.protocol.slice(0, -1),
        }),
  }
  return {
    addresses: new sdk.AddressesClient(options),
    backendServices: new sdk.BackendServicesClient(options),
    disks: new sdk.DisksClient(options),
    globalOperations: new sdk.GlobalOperationsClient(options),
    instanceGroups: new sdk.InstanceGroupsClient(options),
    instances: new sdk.InstancesClient(options),
    instantSnapshotGroups: new sdk.InstantSnapshotGroupsClient(options),
    instantSnapshots: new sdk.InstantSnapshotsClient(options),
    machineImages: new sdk.MachineImagesClient(options),
    machineTypes: new sdk.MachineTypesClient(options),
    networkEndpointGroups: new sdk.NetworkEndpointGroupsClient(options),
    projects: new sdk.ProjectsClient(options),
    regionOperations: new sdk.RegionOperationsClient(options),
    resourcePolicies: new sdk.ResourcePoliciesClient(options),
    snapshots: new sdk.SnapshotsClient(options),
    zoneOperations: new sdk.ZoneOperationsClient(options),
    zones: new sdk.ZonesClient(options),
  }
}

/** Without one, the library asks the machine's metadata service, and only the default chain means that. */
async function authClientOf(credentials: GcpCredentials): Promise<OAuth2Client | undefined> {
  if (credentials === 'default-chain') return undefined
  const { JWT, OAuth2Client } = await import('google-auth-library')
  if ('clientEmail' in credentials) return new JWT({ email: credentials.clientEmail, key: credentials.privateKey, scopes: [scope] })
  const client = new OAuth2Client()
  client.setCredentials({ access_token: credentials.accessToken })
  return client
}
