import type { JsonObject } from '@understudy/core'
import { ConnectionReset, SimError } from '../datacentre/sim-error.ts'
import { ArmError, armErrorOf } from './arm-error.ts'
import { type ArmCall, type ArmReply, isObject, ok } from './call.ts'
import { checkBody } from './check-body.ts'
import { grantAccess, grantSnapshotAccess, revokeAccess, revokeSnapshotAccess } from './disk-access.ts'
import { getLoadBalancer, getPool, getRule, putLoadBalancer, putPool, ruleHealth } from './load-balancers.ts'
import { listLocations } from './locations.ts'
import { deleteNic, getNic, listNics, putNic } from './network.ts'
import { errorJson, readOperation } from './operations.ts'
import { authorise, listPermissions } from './permissions.ts'
import { deleteCollection, getCollection, getPoint, listCollections, putCollection, putPoint } from './restore-points.ts'
import { deletePublicIp, getPublicIp, listPublicIps, putPublicIp } from './public-ips.ts'
import { deleteRunCommand, getRunCommand, listRunCommands, putRunCommand } from './run-commands.ts'
import { deleteSecurityGroup, getSecurityGroup, putSecurityGroup } from './security-groups.ts'
import { deleteSnapshot, getSnapshot, listSnapshots, listSnapshotsOfGroup, patchSnapshot, putSnapshot } from './snapshots.ts'
import { deleteDisk, getDisk, listDisks, patchDisk, putDisk } from './storage.ts'
import { deleteEndpoint, getProfile, patchEndpoint, putEndpoint, putProfile } from './traffic-manager.ts'
import { getVm, listVms, putVm } from './virtual-machines.ts'
import { deallocateVm, deleteLock, deleteVm, listLocks, patchVm, putLock, startVm } from './vm-actions.ts'
import { attachDetachDataDisks } from './vm-disks.ts'

type Handler = (call: ArmCall) => Promise<ArmReply> | ArmReply
interface Route {
  readonly pattern: RegExp
  readonly versions: readonly string[]
  readonly methods: Readonly<Record<string, Handler>>
}

const compute = ['2025-11-01', '2026-03-01', '2026-04-01']
const storage = ['2025-01-02']
const network = ['2025-05-01']
const trafficManager = ['2022-04-01']
const locks = ['2016-09-01', '2020-05-01']

/** `{name}` in a template is one part of the path; matching is case-insensitive, as ARM's is. */
function route(template: string, versions: readonly string[], methods: Route['methods']): Route {
  const source = template.replaceAll('.', '\\.').replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')
  return { pattern: new RegExp(`^/subscriptions/(?<subscription>[^/]+)${source}$`, 'i'), versions, methods }
}

const inGroup = (rest: string): string => `/resourceGroups/{group}/providers/${rest}`
const vmPath = inGroup('Microsoft.Compute/virtualMachines/{name}')
const balancerPath = inGroup('Microsoft.Network/loadBalancers/{name}')
const profilePath = inGroup('Microsoft.Network/trafficManagerProfiles/{name}')
const collectionPath = inGroup('Microsoft.Compute/restorePointCollections/{name}')
const vmLocks = `${vmPath}/providers/Microsoft.Authorization/locks`

const routes: readonly Route[] = [
  route('', ['2022-12-01'], {
    GET: (call) => ok({ id: `/subscriptions/${call.state.subscription}`, subscriptionId: call.state.subscription, state: 'Enabled' }),
  }),
  route('/locations', ['2022-12-01'], { GET: listLocations }),
  route('/providers/Microsoft.Compute/skus', ['2021-07-01'], { GET: listSkus }),
  route('/providers/Microsoft.Compute/locations/{location}/operations/{operation}', [...compute, ...storage], { GET: readOperation }),
  route('/providers/Microsoft.Compute/virtualMachines', compute, { GET: listVms }),
  route('/providers/Microsoft.Compute/disks', storage, { GET: listDisks }),
  route('/providers/Microsoft.Compute/snapshots', storage, { GET: listSnapshots }),
  route(vmPath, compute, { GET: getVm, PUT: putVm, PATCH: patchVm, DELETE: deleteVm }),
  route(`${vmPath}/start`, compute, { POST: startVm }),
  route(`${vmPath}/deallocate`, compute, { POST: deallocateVm }),
  route(`${vmPath}/attachDetachDataDisks`, compute, { POST: attachDetachDataDisks }),
  route(`${vmPath}/runCommands`, compute, { GET: listRunCommands }),
  route(`${vmPath}/runCommands/{command}`, compute, { GET: getRunCommand, PUT: putRunCommand, DELETE: deleteRunCommand }),
  route(vmLocks, locks, { GET: listLocks }),
  route(`${vmLocks}/{lock}`, locks, { PUT: putLock, DELETE: deleteLock }),
  route(inGroup('Microsoft.Authorization/permissions'), ['2022-04-01'], { GET: listPermissions }),
  route(inGroup('Microsoft.Compute/disks'), storage, { GET: listDisks }),
  route(inGroup('Microsoft.Network/networkInterfaces'), network, { GET: listNics }),
  route(inGroup('Microsoft.Compute/disks/{name}'), storage, { GET: getDisk, PUT: putDisk, PATCH: patchDisk, DELETE: deleteDisk }),
  route(inGroup('Microsoft.Compute/snapshots'), storage, { GET: listSnapshotsOfGroup }),
  route(inGroup('Microsoft.Compute/snapshots/{name}'), storage, { GET: getSnapshot, PUT: putSnapshot, PATCH: patchSnapshot, DELETE: deleteSnapshot }),
  route(inGroup('Microsoft.Compute/snapshots/{name}/beginGetAccess'), storage, { POST: grantSnapshotAccess }),
  route(inGroup('Microsoft.Compute/snapshots/{name}/endGetAccess'), storage, { POST: revokeSnapshotAccess }),
  route(inGroup('Microsoft.Network/networkInterfaces/{name}'), network, { GET: getNic, PUT: putNic, DELETE: deleteNic }),
  route('/providers/Microsoft.Compute/restorePointCollections', compute, { GET: listCollections }),
  route(collectionPath, compute, { GET: getCollection, PUT: putCollection, DELETE: deleteCollection }),
  route(`${collectionPath}/restorePoints/{point}/diskRestorePoints/{disk}/beginGetAccess`, storage, { POST: grantAccess }),
  route(`${collectionPath}/restorePoints/{point}/diskRestorePoints/{disk}/endGetAccess`, storage, { POST: revokeAccess }),
  route(`${collectionPath}/restorePoints/{point}`, compute, { GET: getPoint, PUT: putPoint }),
  route('/providers/Microsoft.Network/networkInterfaces', network, { GET: listNics }),
  route('/providers/Microsoft.Network/locations/{location}/operations/{operation}', network, { GET: readOperation }),
  route(inGroup('Microsoft.Network/publicIPAddresses/{name}'), network, { GET: getPublicIp, PUT: putPublicIp, DELETE: deletePublicIp }),
  route('/providers/Microsoft.Network/publicIPAddresses', network, { GET: listPublicIps }),
  route(profilePath, trafficManager, { GET: getProfile, PUT: putProfile }),
  route(`${profilePath}/externalEndpoints/{endpoint}`, trafficManager, { PUT: putEndpoint, PATCH: patchEndpoint, DELETE: deleteEndpoint }),
  route(inGroup('Microsoft.Network/networkSecurityGroups/{name}'), network, {
    GET: getSecurityGroup,
    PUT: putSecurityGroup,
    DELETE: deleteSecurityGroup,
  }),
  route(balancerPath, network, { GET: getLoadBalancer, PUT: putLoadBalancer }),
  route(`${balancerPath}/backendAddressPools/{pool}`, network, { GET: getPool, PUT: putPool }),
  route(`${balancerPath}/loadBalancingRules/{rule}`, network, { GET: getRule }),
  route(`${balancerPath}/loadBalancingRules/{rule}/health`, network, { POST: ruleHealth }),
]

export type ArmRequest = Omit<ArmCall, 'params' | 'query' | 'body'> & { readonly url: string; readonly text: string }

/** Answers one request that has been authenticated. Throws `ConnectionReset` when the answer is to be withheld. */
export async function answerArm(request: ArmRequest, onInternalError: (error: unknown) => void): Promise<ArmReply> {
  try {
    return await dispatch(request)
  } catch (error) {
    if (error instanceof ConnectionReset) throw error
    const shown =
      error instanceof ArmError
        ? error
        : error instanceof SimError
          ? armErrorOf(error)
          : new ArmError(500, 'InternalServerError', 'Encountered internal server error.')
    if (shown.status === 500) onInternalError(error)
    return errorReply(shown)
  }
}

async function dispatch(request: ArmRequest): Promise<ArmReply> {
  const url = new URL(request.url, request.origin)
  // The SDK of management locks writes the scope's own slash behind the host's.
  const path = decodeURIComponent(url.pathname).replace(/^\/+/, '/').replace(/\/$/, '')
  for (const { pattern, versions, methods } of routes) {
    const match = pattern.exec(path)
    if (match === null) continue
    const params = { ...match.groups }
    if (params['subscription']?.toLowerCase() !== request.state.subscription.toLowerCase()) {
      throw new ArmError(404, 'SubscriptionNotFound', `The subscription '${params['subscription'] ?? ''}' could not be found.`)
    }
    checkVersion(url.searchParams.get('api-version'), versions)
    authorise(request, path)
    const handler = methods[request.method]
    if (handler === undefined)
      throw new ArmError(405, 'HttpMethodNotSupported', `The http method '${request.method}' is not supported for this resource.`)
    const { url: _url, text, ...rest } = request
    const body = bodyOf(text)
    checkBody(request.method, path, text, body)
    return await handler({ ...rest, params, query: url.searchParams, body })
  }
  throw new ArmError(404, 'InvalidResourceType', `The resource type could not be found for the path ${path}.`)
}

function checkVersion(version: string | null, versions: readonly string[]): void {
  if (version === null || version === '')
    throw new ArmError(400, 'MissingApiVersionParameter', 'The api-version query parameter (?api-version=) is required for all requests.')
  if (!versions.includes(version)) {
    throw new ArmError(
      400,
      'NoRegisteredProviderFound',
      `No registered resource provider found for API version '${version}'. The supported api-versions are '${versions.join(', ')}'.`,
    )
  }
}

function bodyOf(text: string): JsonObject {
  try {
    const value: unknown = text === '' ? {} : JSON.parse(text)
    if (isObject(value)) return value
  } catch {
    // Falls through to the same answer as any other body that is not an object.
  }
  throw new ArmError(400, 'InvalidRequestContent', 'The request content was invalid and could not be deserialized.')
}

export const errorReply = (error: ArmError): ArmReply => ({
  status: error.status,
  ...(error.retryAfterSeconds === undefined ? {} : { headers: { 'retry-after': String(error.retryAfterSeconds) } }),
  body: { error: errorJson(error.body) },
})

function listSkus(call: ArmCall): ArmReply {
  const zones = call.dataCentre.network.describeZones().items
  const value = call.dataCentre.catalogue
    .describeInstanceTypes()
    .items.filter(({ instanceType }) => instanceType.startsWith('Standard_'))
    .map((type) => ({
      resourceType: 'virtualMachines',
      name: type.instanceType,
      locations: [call.dataCentre.region],
      locationInfo: [
        {
          location: call.dataCentre.region,
          zones: zones.flatMap(({ name }, index) => (type.notOfferedIn.includes(name) ? [] : [String(index + 1)])),
        },
      ],
      capabilities: [
        { name: 'vCPUs', value: String(type.vcpus) },
        { name: 'MemoryGB', value: String(type.memoryMiB / 1024) },
        { name: 'CpuArchitectureType', value: type.architecture === 'arm64' ? 'Arm64' : 'x64' },
        { name: 'LowPriorityCapable', value: 'True' },
        { name: 'HibernationSupported', value: type.hibernationSupported ? 'True' : 'False' },
      ],
      restrictions: [],
    }))
  return ok({ value })
}
