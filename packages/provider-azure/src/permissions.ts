import { isObject } from '@understudy/provider/adapter-kit'
import { providerError } from '@understudy/provider'
import type { PermissionFinding, Permissions, PermittedCapability } from '@understudy/provider'
import { type Adapter, armId, call } from './adapter.ts'

const permissionsVersion = '2022-04-01'

/** What a role assignment allows and takes away; `*` stands for any text. */
interface Grant {
  readonly actions: readonly string[]
  readonly notActions: readonly string[]
}

/**
 * Reads what the credentials may do in the resource group: every role that reaches it, with what each takes away again. Deny
 * assignments and policies are not in it. https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource-group
 */
export function azurePermissions(adapter: Adapter): Permissions {
  return {
    async check({ signal } = {}) {
      const path = `${armId(adapter, 'Microsoft.Authorization', 'permissions')}?api-version=${permissionsVersion}`
      const { status, body } = await call(() => adapter.clients.get(path, signal))
      if (status !== 200) throw refusal(status, body)
      const grants = grantsIn(body)
      return Object.entries(needed).flatMap(
        ([capability, actions]) => actions.map((action) => finding(capability as PermittedCapability, action, grants)), // the keys of `needed`
      )
    },
  }
}

function finding(capability: PermittedCapability, permission: string, grants: readonly Grant[]): PermissionFinding {
  const isGranted = grants.some(({ actions, notActions }) => covers(actions, permission) && !covers(notActions, permission))
  if (isGranted) return { capability, permission, outcome: 'granted' }
  const reason = grantedElsewhere.find(([pattern]) => pattern.test(permission))?.[1]
  return reason === undefined ? { capability, permission, outcome: 'missing' } : { capability, permission, outcome: 'unproven', reason }
}

/** Networks and identities are often in other resource groups, and sizes are the subscription's. */
const grantedElsewhere: readonly (readonly [RegExp, string])[] = [
  [
    /^Microsoft\.Network\/(virtualNetworks|networkSecurityGroups)\//,
    'It is not granted in the resource group of the stand-ins; the network may be in another.',
  ],
  [
    /^Microsoft\.Network\/(loadBalancers|publicIPAddresses|trafficManagerProfiles)\//,
    'It is not granted in the resource group of the stand-ins; the entry point may be in another.',
  ],
  [/^Microsoft\.ManagedIdentity\//, 'It is not granted in the resource group of the stand-ins; the identity may be in another.'],
  [/^Microsoft\.Resources\//, 'It is not granted in the resource group; it is asked of the subscription.'],
  [/^Microsoft\.Compute\/(skus|locations)\//, 'It is not granted in the resource group; it is asked of the subscription.'],
]

const covers = (patterns: readonly string[], action: string): boolean =>
  patterns.some((pattern) => new RegExp(`^${pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll('*', '.*')}$`, 'i').test(action))

function grantsIn(body: string): readonly Grant[] {
  const parsed: unknown = JSON.parse(body)
  const value = isObject(parsed) && Array.isArray(parsed['value']) ? parsed['value'] : []
  const texts = (list: unknown): string[] => (Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [])
  return value.filter(isObject).map((grant) => ({ actions: texts(grant['actions']), notActions: texts(grant['notActions']) }))
}

function refusal(status: number, body: string) {
  const [, code = `HTTP${status}`] = /"code"\s*:\s*"(\w+)"/.exec(body) ?? []
  const kind = status === 401 || status === 403 ? 'unauthorized' : status === 404 ? 'not_found' : status === 429 ? 'throttled' : 'unavailable'
  return providerError(kind, code, `Azure answered ${status} when asked what the credentials may do.`, { httpStatus: status })
}

const compute = (...names: readonly string[]): string[] => names.map((name) => `Microsoft.Compute/${name}`)
const network = (...names: readonly string[]): string[] => names.map((name) => `Microsoft.Network/${name}`)

/** By what they are for; the role of docs/clouds/azure.md. */
export const needed: Readonly<Partial<Record<PermittedCapability, readonly string[]>>> = {
  inventory: [
    ...compute('virtualMachines/read', 'virtualMachines/instanceView/read', 'disks/read', 'skus/read', 'locations/operations/read'),
    ...network('networkInterfaces/read', 'publicIPAddresses/read'),
  ],
  compute: [
    ...compute('virtualMachines/write', 'virtualMachines/delete', 'virtualMachines/start/action', 'virtualMachines/deallocate/action'),
    ...compute('disks/write', 'disks/delete', 'locations/diskOperations/read'),
    ...network('networkInterfaces/write', 'networkInterfaces/delete', 'networkInterfaces/join/action'),
    // Stand-ins that are made of a portable definition have a public address of their own.
    ...network('publicIPAddresses/write', 'publicIPAddresses/delete', 'publicIPAddresses/join/action'),
    ...network('virtualNetworks/subnets/join/action', 'networkSecurityGroups/join/action'),
    'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action',
  ],
  traffic: network(
    'loadBalancers/read',
    'loadBalancers/backendAddressPools/read',
    'loadBalancers/backendAddressPools/write',
    'loadBalancers/backendAddressPools/join/action',
    'loadBalancers/loadBalancingRules/read',
    'loadBalancers/loadBalancingRules/health/action',
    'trafficManagerProfiles/read',
    ...['read', 'write', 'delete'].map((verb) => `trafficManagerProfiles/externalEndpoints/${verb}`),
  ),
  snapshots: [
    ...compute('snapshots/read', 'snapshots/write', 'snapshots/delete', 'snapshots/beginGetAccess/action', 'snapshots/endGetAccess/action'),
    ...compute(
      'restorePointCollections/read',
      'restorePointCollections/write',
      'restorePointCollections/delete',
      'restorePointCollections/restorePoints/read',
      'restorePointCollections/restorePoints/write',
      'restorePointCollections/restorePoints/delete',
      'restorePointCollections/restorePoints/diskRestorePoints/read',
      'restorePointCollections/restorePoints/diskRestorePoints/beginGetAccess/action',
      'restorePointCollections/restorePoints/diskRestorePoints/endGetAccess/action',
      // A rollback plugs the disks of a set into the VM that was captured.
      'virtualMachines/attachDetachDataDisks/action',
    ),
    // Which regions there are to keep copies in.
    'Microsoft.Resources/subscriptions/locations/read',
    // The place of a test rollback.
    ...network('networkSecurityGroups/read', 'networkSecurityGroups/write', 'networkSecurityGroups/delete'),
  ],
  commands: compute('virtualMachines/runCommands/read', 'virtualMachines/runCommands/write', 'virtualMachines/runCommands/delete'),
  labels: ['read', 'write', 'delete'].map((verb) => `Microsoft.Authorization/locks/${verb}`),
}
