import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * Cuts out of Microsoft's specifications of Azure (Swagger 2.0; https://github.com/Azure/azure-rest-api-specs, MIT) what judges the calls of
 * our adapter and the answers of our simulated Azure, as JSON Schema: `node scripts/run.mjs scripts/cut-azure-specs.ts FOLDER`, where FOLDER has their
 * `specification/`. Descriptions and examples are left out, inheritance is written out, and of resources that are only named by an id,
 * nothing but that is kept.
 */
const areas = [
  'compute/resource-manager/Microsoft.Compute/ComputeRP/stable/2024-07-01',
  'compute/resource-manager/Microsoft.Compute/DiskRP/stable/2024-03-02',
  'network/resource-manager/Microsoft.Network/stable/2024-05-01',
  'trafficmanager/resource-manager/Microsoft.Network/TrafficManager/stable/2022-04-01',
]
const wanted = new Set([
  ...['VirtualMachines_Get', 'VirtualMachines_CreateOrUpdate', 'VirtualMachines_Update', 'VirtualMachines_Delete', 'VirtualMachines_ListAll'],
  ...['VirtualMachines_Start', 'VirtualMachines_Deallocate', 'VirtualMachines_AttachDetachDataDisks'],
  ...['VirtualMachineRunCommands_GetByVirtualMachine', 'VirtualMachineRunCommands_CreateOrUpdate', 'VirtualMachineRunCommands_Delete'],
  'VirtualMachineRunCommands_ListByVirtualMachine',
  ...['Disks_Get', 'Disks_CreateOrUpdate', 'Disks_Update', 'Disks_Delete', 'Disks_List', 'Disks_ListByResourceGroup'],
  ...['RestorePointCollections_Get', 'RestorePointCollections_CreateOrUpdate', 'RestorePointCollections_Delete', 'RestorePointCollections_ListAll'],
  ...['RestorePoints_Get', 'RestorePoints_Create', 'DiskRestorePoint_GrantAccess', 'DiskRestorePoint_RevokeAccess'],
  ...['Snapshots_Get', 'Snapshots_CreateOrUpdate', 'Snapshots_Delete', 'Snapshots_List', 'Snapshots_ListByResourceGroup'],
  ...['Snapshots_GrantAccess', 'Snapshots_RevokeAccess'],
  ...['NetworkInterfaces_Get', 'NetworkInterfaces_CreateOrUpdate', 'NetworkInterfaces_Delete', 'NetworkInterfaces_List', 'NetworkInterfaces_ListAll'],
  ...['NetworkSecurityGroups_Get', 'NetworkSecurityGroups_CreateOrUpdate', 'NetworkSecurityGroups_Delete'],
  ...['PublicIPAddresses_Get', 'PublicIPAddresses_CreateOrUpdate', 'PublicIPAddresses_Delete', 'PublicIPAddresses_ListAll'],
  ...['Profiles_Get', 'Profiles_CreateOrUpdate', 'Endpoints_CreateOrUpdate', 'Endpoints_Update', 'Endpoints_Delete'],
  ...['LoadBalancers_CreateOrUpdate', 'LoadBalancerLoadBalancingRules_Health'],
  ...['LoadBalancerBackendAddressPools_Get', 'LoadBalancerBackendAddressPools_CreateOrUpdate', 'LoadBalancerLoadBalancingRules_Get'],
])
/** Where only an id is meant, a whole resource is allowed: these lead to the rest of the network. */
const namedById = new Set([
  ...['Subnet', 'NetworkSecurityGroup', 'VirtualNetworkTap', 'PrivateEndpoint', 'PrivateLinkService', 'ApplicationGatewayBackendAddressPool'],
  ...['ApplicationSecurityGroup', 'NatGateway', 'DdosSettings', 'PublicIPPrefix', 'ServiceEndpointPolicy', 'RouteTable', 'IPConfiguration'],
  ...['VirtualMachineExtension', 'VirtualMachineScaleSetVMProfile', 'InboundNatPool', 'OutboundRule'],
])

type Fields = Readonly<Record<string, unknown>>
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)

const root = join(process.argv[2] ?? '.', 'specification')
const documents = new Map<string, Fields>()
function load(file: string): Fields {
  const known = documents.get(file) ?? (JSON.parse(readFileSync(file, 'utf8')) as Fields) // a Swagger document
  documents.set(file, known)
  return known
}

/** Follows a reference to where it leads: `./file.json#/definitions/Name`. */
function resolved(value: Fields, file: string): { readonly value: Fields; readonly file: string; readonly name?: string } {
  const reference = value['$ref']
  if (typeof reference !== 'string') return { value, file }
  const [path = '', pointer = ''] = reference.split('#')
  const target = path === '' ? file : resolve(file, '..', path)
  const found = pointer
    .split('/')
    .filter(Boolean)
    .reduce<unknown>((at, part) => (isFields(at) ? at[part] : undefined), load(target))
  if (!isFields(found)) throw new Error(`${reference} of ${file} leads nowhere`)
  return { ...resolved(found, target), name: pointer.split('/').at(-1) ?? '' }
}

const names = new Map<unknown, string>()
const definitions: Record<string, unknown> = {}

function schemaOf(schema: unknown, file: string): unknown {
  if (!isFields(schema)) return schema
  const { value, file: at, name } = resolved(schema, file)
  if (name === undefined) return inline(value, at)
  if (namedById.has(name)) return { type: 'object' }
  const known = names.get(value)
  if (known !== undefined) return { $ref: `#/definitions/${known}` }
  // Two specifications may have different things of one name.
  const own = definitions[name] === undefined ? name : `${name}${names.size}`
  names.set(value, own)
  definitions[own] = {}
  definitions[own] = inline(value, at)
  return { $ref: `#/definitions/${own}` }
}

/** Of a body itself: nothing of it is only an id. */
function wholeOf(schema: unknown, file: string): unknown {
  if (!isFields(schema)) return schema
  const { value, file: at, name } = resolved(schema, file)
  return name !== undefined && namedById.has(name) ? inline(value, at) : schemaOf(schema, file)
}

interface Members {
  readonly properties: Record<string, unknown>
  readonly required: readonly string[]
  readonly isOpen: boolean
}
function membersOf(value: Fields, file: string): Members {
  const parents = ((value['allOf'] ?? []) as readonly Fields[]).map((parent) => {
    // a list in Swagger
    const { value: target, file: at } = resolved(parent, file)
    return membersOf(target, at)
  })
  const own = Object.entries(isFields(value['properties']) ? value['properties'] : {}).map(([key, schema]) => [key, schemaOf(schema, file)] as const)
  return {
    properties: Object.assign({}, ...parents.map(({ properties }) => properties), Object.fromEntries(own)) as Record<string, unknown>,
    required: [...parents.flatMap(({ required }) => required), ...((value['required'] ?? []) as readonly string[])], // names in Swagger
    isOpen: value['additionalProperties'] !== undefined || value['discriminator'] !== undefined || parents.some(({ isOpen }) => isOpen),
  }
}

/** Microsoft keeps the list of sizes no longer, and says so in it. */
const isOutdated = (value: Fields): boolean => isFields(value['x-ms-enum']) && value['x-ms-enum']['name'] === 'VirtualMachineSizeTypes'

const dateTime = String.raw`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$`

function inline(value: Fields, file: string): unknown {
  const { type, format, enum: allowed, items, additionalProperties, minimum, maximum } = value
  const { properties, required, isOpen } = membersOf(value, file)
  const hasMembers = Object.keys(properties).length > 0
  return {
    ...(hasMembers ? { type: 'object' } : type === undefined ? {} : { type }),
    ...(Array.isArray(allowed) && !isOutdated(value) ? { enum: allowed } : {}),
    ...(format === 'date-time' ? { pattern: dateTime } : {}),
    ...(minimum === undefined ? {} : { minimum }),
    ...(maximum === undefined ? {} : { maximum }),
    ...(items === undefined ? {} : { items: schemaOf(items, file) }),
    ...(isFields(additionalProperties) ? { additionalProperties: schemaOf(additionalProperties, file) } : {}),
    ...(hasMembers ? { properties, ...(isOpen ? {} : { additionalProperties: false }) } : {}),
    ...(required.length === 0 ? {} : { required: [...new Set(required)] }),
  }
}

const operations = areas.flatMap((area) =>
  readdirSync(join(root, area))
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const file = join(root, area, name)
      return Object.entries((load(file)['paths'] ?? {}) as Readonly<Record<string, Readonly<Record<string, Fields>>>>).flatMap(([path, methods]) =>
        Object.entries(methods).flatMap(([method, operation]) => {
          if (!wanted.has(String(operation['operationId']))) return []
          const parameters = ((operation['parameters'] ?? []) as readonly Fields[]).map((parameter) => resolved(parameter, file)) // a list in Swagger
          const body = parameters.find((parameter) => parameter.value['in'] === 'body')
          return [
            {
              name: operation['operationId'],
              method: method.toUpperCase(),
              path,
              queries: parameters.filter((parameter) => parameter.value['in'] === 'query').map((parameter) => parameter.value['name']),
              ...(body === undefined ? {} : { body: wholeOf(body.value['schema'], body.file), bodyRequired: body.value['required'] === true }),
              responses: Object.fromEntries(
                Object.entries(operation['responses'] as Readonly<Record<string, Fields>>).map(([status, response]) => [
                  status,
                  wholeOf(response['schema'] ?? null, file),
                ]), // required in Swagger
              ),
            },
          ]
        }),
      )
    }),
)
const missing = [...wanted].filter((name) => !operations.some((operation) => operation.name === name))
if (missing.length > 0) throw new Error(`there is no operation ${missing.join(', ')}`)
const versions = Object.fromEntries(
  areas.map((area) => [
    area.split('/').find((part) => /^(ComputeRP|DiskRP|TrafficManager)$/.test(part)) ?? 'Microsoft.Network',
    area.split('/').at(-1),
  ]),
)
const target = new URL('../packages/cloud-sim/src/azure/specs/arm.json', import.meta.url)
writeFileSync(target, `${JSON.stringify({ versions, operations, definitions })}\n`)
