import { ComputeManagementClient } from '@azure/arm-compute'
import { ManagementLockClient } from '@azure/arm-locks'
import { NetworkManagementClient } from '@azure/arm-network'
import { TrafficManagerManagementClient } from '@azure/arm-trafficmanager'
import { createDefaultHttpClient, createPipelineRequest } from '@azure/core-rest-pipeline'
import { ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from '@azure/identity'
import type { TokenCredential } from '@azure/identity'
import type { Agent } from 'node:https'
import { capturePolicy } from './capture.ts'
import { type ConnectionOptions, connectionPolicy, guardedAgent } from './connection.ts'
import { pageBlobReader } from './page-blob.ts'
import type { AzureSettings } from './settings.ts'
import { tracePolicy } from './trace.ts'

const publicEndpoint = 'https://management.azure.com'
const scope = 'https://management.azure.com/.default'

/** The SDK's clients, as far as this adapter calls them. */
export interface AzureClients {
  readonly compute: ComputeManagementClient
  readonly network: NetworkManagementClient
  readonly locks: ManagementLockClient
  readonly trafficManager: TrafficManagerManagementClient
  readonly blobs: ReturnType<typeof pageBlobReader>
  /** A token for ARM, whose claims say who we are. */
  token(signal?: AbortSignal): Promise<string>
  /** `GET` of a path of ARM for which there is no package. */
  get(path: string, signal?: AbortSignal): Promise<{ readonly status: number; readonly body: string }>
  destroy(): void
}

/**
 * One attempt per call: the SDK's own retries would hide throttling from the limiter and from the circuit breaker, and repeat
 * for a minute what a failover has no time for. Callers retry.
 */
export function azureClients(settings: AzureSettings): AzureClients {
  const endpoint = settings.endpoint ?? publicEndpoint
  const connection: ConnectionOptions = {
    timeoutMs: settings.requestTimeoutMs ?? 30_000,
    ...(settings.certificateAuthority === undefined ? {} : { certificateAuthority: settings.certificateAuthority }),
    ...(settings.guard === undefined ? {} : { guard: settings.guard }),
  }
  const agent = guardedAgent(connection)
  const credential = credentialOf(settings, agent, connection)
  const options = {
    endpoint,
    ...once,
    userAgentOptions: { userAgentPrefix: `understudy/${settings.installation}` },
    additionalPolicies: [
      { policy: capturePolicy, position: 'perRetry' as const },
      { policy: tracePolicy, position: 'perRetry' as const },
      { policy: connectionPolicy(agent, connection, { origin: new URL(endpoint).origin }), position: 'perRetry' as const },
    ],
  }
  const compute = new ComputeManagementClient(credential, settings.scope.account, { ...options, credentials: { scopes: [scope] } })
  const http = createDefaultHttpClient()
  return {
    compute,
    blobs: pageBlobReader(agent, connection),
    // The classic clients make a token's scope of the endpoint unless they are told.
    network: new NetworkManagementClient(credential, settings.scope.account, { ...options, credentialScopes: scope }),
    trafficManager: new TrafficManagerManagementClient(credential, settings.scope.account, { ...options, credentialScopes: scope }),
    locks: new ManagementLockClient(credential, settings.scope.account, { ...options, credentialScopes: scope }),
    async token(signal) {
      const found = await credential.getToken(scope, signal === undefined ? {} : { abortSignal: signal })
      return found?.token ?? ''
    },
    async get(path, signal) {
      const request = createPipelineRequest({ url: `${endpoint}${path}`, ...(signal === undefined ? {} : { abortSignal: signal }) })
      const { status, bodyAsText } = await compute.pipeline.sendRequest(http, request)
      return { status, body: bodyAsText ?? '' }
    },
    destroy: () => agent.destroy(),
  }
}

/** Nor is a redirection followed: nobody has checked where it leads. */
const once = { retryOptions: { maxRetries: 0 }, redirectOptions: { maxRetries: 0 } }

function credentialOf({ credentials, authority }: AzureSettings, agent: Agent, connection: ConnectionOptions): TokenCredential {
  const policy = connectionPolicy(agent, connection, { machine: credentials.source === 'managed-identity' })
  const options = {
    ...once,
    additionalPolicies: [{ policy, position: 'perRetry' as const }],
    // Another authority is not in the public cloud's directory of authorities, which would be asked for it.
    ...(authority === undefined ? {} : { authorityHost: authority, disableInstanceDiscovery: true }),
  }
  switch (credentials.source) {
    case 'client-secret':
      return new ClientSecretCredential(credentials.tenantId, credentials.clientId, credentials.clientSecret, options)
    case 'workload-identity':
      return new WorkloadIdentityCredential({ ...options, tenantId: credentials.tenantId, clientId: credentials.clientId })
    case 'managed-identity':
      return credentials.clientId === undefined
        ? new ManagedIdentityCredential(options)
        : new ManagedIdentityCredential(credentials.clientId, options)
  }
}
