import { ComputeManagementClient } from '@azure/arm-compute'
import { ManagementLockClient } from '@azure/arm-locks'
import { NetworkManagementClient } from '@azure/arm-network'
import { createDefaultHttpClient, createPipelineRequest } from '@azure/core-rest-pipeline'
import type { PipelinePolicy } from '@azure/core-rest-pipeline'
import { ClientSecretCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from '@azure/identity'
import type { TokenCredential } from '@azure/identity'
import { guardedLookup } from '@understudy/provider'
import { Agent } from 'node:https'
import { rootCertificates } from 'node:tls'
import { capturePolicy } from './capture.ts'
import type { AzureSettings } from './settings.ts'

const publicEndpoint = 'https://management.azure.com'
const scope = 'https://management.azure.com/.default'

/** The SDK's clients, as far as this adapter calls them. */
export interface AzureClients {
  readonly compute: ComputeManagementClient
  readonly network: NetworkManagementClient
  readonly locks: ManagementLockClient
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
  const agent = new Agent({
    keepAlive: true,
    ...(settings.certificateAuthority === undefined ? {} : { ca: [...rootCertificates, settings.certificateAuthority] }),
    ...(settings.guard === undefined ? {} : { lookup: guardedLookup(settings.guard) }),
  })
  const connection = connectionPolicy(agent, settings.requestTimeoutMs ?? 30_000)
  const credential = credentialOf(settings, connection)
  const options = {
    endpoint,
    retryOptions: { maxRetries: 0 },
    userAgentOptions: { userAgentPrefix: `understudy/${settings.installation}` },
    additionalPolicies: [
      { policy: connection, position: 'perCall' as const },
      { policy: capturePolicy, position: 'perRetry' as const },
    ],
  }
  const compute = new ComputeManagementClient(credential, settings.scope.account, { ...options, credentials: { scopes: [scope] } })
  const http = createDefaultHttpClient()
  return {
    compute,
    // The classic clients make a token's scope of the endpoint unless they are told.
    network: new NetworkManagementClient(credential, settings.scope.account, { ...options, credentialScopes: scope }),
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

const connectionPolicy = (agent: Agent, timeoutMs: number): PipelinePolicy => ({
  name: 'understudyConnection',
  sendRequest(request, next) {
    // Managed identities ask plain HTTP of the machine itself.
    if (request.url.startsWith('https:')) request.agent = agent
    request.timeout = timeoutMs
    return next(request)
  },
})

function credentialOf({ credentials, authority }: AzureSettings, connection: PipelinePolicy): TokenCredential {
  const options = {
    retryOptions: { maxRetries: 0 },
    additionalPolicies: [{ policy: connection, position: 'perCall' as const }],
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
