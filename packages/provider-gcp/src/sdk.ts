import type { AuthClient, GoogleAuth } from 'google-auth-library'
import { gaxOfSdk } from './gax.ts'
import type { GcpSettings } from './settings.ts'

const scopes = ['https://www.googleapis.com/auth/cloud-platform', 'https://www.googleapis.com/auth/userinfo.email']

/** Google's services beside Compute Engine, whose few calls here are plain REST: a client of each would bring a hundred packages. */
export type RestService = 'cloudresourcemanager' | 'dns' | 'pubsub'

export interface Opened {
  open(): Promise<Clients>
  /** One request with our credentials. Throws as the auth library does for what is refused. */
  rest(service: RestService, request: RestRequest): Promise<unknown>
  /** Who the credentials belong to; `undefined` where nobody says. */
  principal(): Promise<string | undefined>
  close(): Promise<void>
}
export interface RestRequest {
  readonly method: 'GET' | 'POST'
  /** With its leading slash, and encoded. */
  readonly path: string
  readonly body?: object
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Opens the SDK at the first call and not before: loading it takes seconds and 100 MB, which a process without an account on
 * Google Cloud has no use for.
 */
export function opened(settings: GcpSettings): Opened {
  let auth: Promise<Auth> | undefined
  let clients: Promise<Clients> | undefined
  const authenticated = async (): Promise<Auth> => await (auth ??= authOf(settings))
  return {
    open: async () => await (clients ??= authenticated().then(({ client }) => sdkClients(settings, client))),
    async rest(service, { method, path, body, timeoutMs, signal }) {
      const { client } = await authenticated()
      const url = `${settings.endpoint ?? `https://${service}.googleapis.com`}${path}`
      const more = { ...(body === undefined ? {} : { data: body }), ...(signal === undefined ? {} : { signal }) }
      // Reads are repeated by the library; a change is its caller's to repeat.
      return (await client.request({ url, method, timeout: timeoutMs, retry: method === 'GET', responseType: 'json', ...more })).data
    },
    principal: async () => await (await authenticated()).principal(),
    async close() {
      if (clients !== undefined) await Promise.allSettled(Object.values(await clients).map(async (client) => await client.close()))
    },
  }
}

interface Auth {
  readonly client: AuthClient
  principal(): Promise<string | undefined>
}

/** Always a client of ours: without one, the SDK looks for credentials itself, and asks the machine's metadata service. */
async function authOf({ credentials, endpoint }: GcpSettings): Promise<Auth> {
  const { GoogleAuth: Chain, JWT, OAuth2Client } = await import('google-auth-library')
  if (credentials === 'default-chain') return await chainOf(new Chain({ scopes }))
  if ('clientEmail' in credentials) {
    const { clientEmail, privateKey } = credentials
    return { client: new JWT({ email: clientEmail, key: privateKey, scopes }), principal: async () => clientEmail }
  }
  const client = new OAuth2Client(endpoint === undefined ? {} : { endpoints: { tokenInfoUrl: `${endpoint}/tokeninfo` } })
  client.setCredentials({ access_token: credentials.accessToken })
  return { client, principal: () => holderOf(client, credentials.accessToken) }
}

async function chainOf(chain: GoogleAuth): Promise<Auth> {
  const client = await chain.getClient()
  const principal = async (): Promise<string | undefined> => {
    const { client_email: email } = await chain.getCredentials().catch(() => ({ client_email: undefined }))
    if (email !== undefined) return email
    const token = await chain.getAccessToken()
    const { OAuth2Client } = await import('google-auth-library')
    return token === null || token === undefined ? undefined : await holderOf(new OAuth2Client(), token)
  }
  return { client, principal }
}

/** A token says by itself whose it is, to whoever holds it; a proxy may have nobody who answers that. */
async function holderOf(
  client: { getTokenInfo(token: string): Promise<{ email?: string; azp?: string }> },
  token: string,
): Promise<string | undefined> {
  try {
    const { email, azp } = await client.getTokenInfo(token)
    return email ?? azp
  } catch {
    return undefined
  }
}

export type Clients = Awaited<ReturnType<typeof sdkClients>>

async function sdkClients({ endpoint }: GcpSettings, authClient: AuthClient) {
  // The package's own entry loads 30 MB of generated message classes too, which no client uses: twice the time and twice the memory.
  const sdk = await import('@google-cloud/compute/build/src/v1/index.js')
  const address = endpoint === undefined ? undefined : new URL(endpoint)
  const options = {
    fallback: true as const,
    authClient,
    ...(address === undefined
      ? {}
      : {
          apiEndpoint: address.hostname,
          port: address.port === '' ? (address.protocol === 'https:' ? 443 : 80) : Number(address.port),
          protocol: address.protocol.slice(0, -1),
        }),
  }
  const gax = gaxOfSdk()
  return {
    addresses: new sdk.AddressesClient(options, gax),
    backendServices: new sdk.BackendServicesClient(options, gax),
    disks: new sdk.DisksClient(options, gax),
    firewalls: new sdk.FirewallsClient(options, gax),
    globalOperations: new sdk.GlobalOperationsClient(options, gax),
    images: new sdk.ImagesClient(options, gax),
    instanceGroups: new sdk.InstanceGroupsClient(options, gax),
    instances: new sdk.InstancesClient(options, gax),
    instantSnapshotGroups: new sdk.InstantSnapshotGroupsClient(options, gax),
    instantSnapshots: new sdk.InstantSnapshotsClient(options, gax),
    machineTypes: new sdk.MachineTypesClient(options, gax),
    networkEndpointGroups: new sdk.NetworkEndpointGroupsClient(options, gax),
    projects: new sdk.ProjectsClient(options, gax),
    regions: new sdk.RegionsClient(options, gax),
    regionOperations: new sdk.RegionOperationsClient(options, gax),
    resourcePolicies: new sdk.ResourcePoliciesClient(options, gax),
    snapshots: new sdk.SnapshotsClient(options, gax),
    zoneOperations: new sdk.ZoneOperationsClient(options, gax),
    zones: new sdk.ZonesClient(options, gax),
  }
}
