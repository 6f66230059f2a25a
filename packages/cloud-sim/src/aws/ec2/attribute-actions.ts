import type { InstanceAttributeChange } from '../../datacentre/api.ts'
import { SimError } from '../../datacentre/sim-error.ts'
import type { Instance } from '../../datacentre/types.ts'
import type { ActionTable, Call, XmlObject } from '../call.ts'
import { invalidCombination, invalidValue, missingParameter } from '../fault.ts'
import type { Params } from '../params.ts'
import { metadataOptionsView } from './instance-view.ts'
import { metadataOptions } from './run-instances.ts'

export const attributeActions: ActionTable = {
  DescribeInstanceAttribute: describeInstanceAttribute,
  ModifyInstanceAttribute: modifyInstanceAttribute,
  ModifyInstanceMetadataOptions: modifyMetadataOptions,
}

/** One attribute per call; `userData` comes back in base64. */
function describeInstanceAttribute({ dataCentre, params }: Call): XmlObject {
  const attribute = params.required('Attribute')
  const view = attributeViews[attribute]
  if (view === undefined) throw invalidValue(attribute, 'attribute', 'Unknown attribute.')
  const [instance] = dataCentre.instances.describe({ ids: [params.required('InstanceId')] }).items
  if (instance === undefined) throw new SimError('InvalidInstanceID.NotFound', `The instance ID '${params.required('InstanceId')}' does not exist`)
  return { instanceId: instance.instanceId, ...view(instance) }
}

const attributeViews: Record<string, (instance: Instance) => XmlObject> = {
  instanceType: (instance) => ({ instanceType: { value: instance.instanceType } }),
  userData: (instance) => ({ userData: instance.userData === undefined ? {} : { value: instance.userData } }),
  disableApiTermination: (instance) => ({ disableApiTermination: { value: instance.disableApiTermination } }),
  disableApiStop: (instance) => ({ disableApiStop: { value: instance.disableApiStop } }),
  instanceInitiatedShutdownBehavior: (instance) => ({ instanceInitiatedShutdownBehavior: { value: instance.shutdownBehavior } }),
  rootDeviceName: (instance) => ({ rootDeviceName: { value: instance.rootDeviceName } }),
  sourceDestCheck: (instance) => ({ sourceDestCheck: { value: instance.nics[0]?.sourceDestCheck ?? true } }),
  ebsOptimized: (instance) => ({ ebsOptimized: { value: instance.ebsOptimized } }),
  enaSupport: () => ({ enaSupport: { value: true } }),
  enclaveOptions: () => ({ enclaveOptions: { enabled: false } }),
  productCodes: () => ({ productCodes: [] }),
  groupSet: (instance) => ({ groupSet: instance.securityGroupIds.map((groupId) => ({ groupId })) }),
  blockDeviceMapping: (instance) => ({
    blockDeviceMapping: instance.blockDevices.map((device) => ({
      deviceName: device.deviceName,
      ebs: {
        volumeId: device.volumeId,
        status: 'attached',
        attachTime: new Date(device.attachTimeMs),
        deleteOnTermination: device.deleteOnTermination,
      },
    })),
  }),
}

/** Exactly one attribute per call, given as its own parameter or as `Attribute` and `Value`. */
function modifyInstanceAttribute({ dataCentre, params }: Call): XmlObject {
  const instanceId = params.required('InstanceId')
  const changes = requestedChanges(params)
  const [change, second] = changes
  if (change === undefined) throw missingParameter('Attribute')
  if (second !== undefined) throw invalidCombination('Fields for multiple attribute types specified: a call changes one attribute')
  dataCentre.instances.modifyAttribute(instanceId, change)
  return { return: true }
}

function requestedChanges(params: Params): InstanceAttributeChange[] {
  const text = (parameter: string, attribute: string): string | undefined =>
    params.child(parameter)?.optional('Value') ?? (params.optional('Attribute') === attribute ? params.optional('Value') : undefined)
  const flag = (parameter: string, attribute: string): boolean | undefined => {
    const value = text(parameter, attribute)
    if (value === undefined) return undefined
    if (value !== 'true' && value !== 'false') throw invalidValue(value, attribute, 'It must be true or false.')
    return value === 'true'
  }
  const changes: InstanceAttributeChange[] = []
  const instanceType = text('InstanceType', 'instanceType')
  if (instanceType !== undefined) changes.push({ attribute: 'instanceType', value: instanceType })
  for (const [parameter, attribute] of flags) {
    const value = flag(parameter, attribute)
    if (value !== undefined) changes.push({ attribute, value })
  }
  // Some older clients send the user data as the parameter itself instead of a structure with a value.
  const userData = text('UserData', 'userData') ?? params.optional('UserData')
  if (userData !== undefined) changes.push({ attribute: 'userData', value: userData })
  const shutdown = text('InstanceInitiatedShutdownBehavior', 'instanceInitiatedShutdownBehavior')
  if (shutdown !== undefined) {
    if (shutdown !== 'stop' && shutdown !== 'terminate') throw invalidValue(shutdown, 'instanceInitiatedShutdownBehavior')
    changes.push({ attribute: 'instanceInitiatedShutdownBehavior', value: shutdown })
  }
  const groups = params.texts('GroupId')
  if (groups.length > 0) changes.push({ attribute: 'groupSet', value: groups })
  const devices = params.list('BlockDeviceMapping')
  if (devices.length > 0)
    changes.push({
      attribute: 'deleteOnTermination',
      value: Object.fromEntries(
        devices.map((device) => [device.required('DeviceName'), device.child('Ebs')?.boolean('DeleteOnTermination') ?? false]),
      ),
    })
  return changes
}

const flags = [
  ['DisableApiTermination', 'disableApiTermination'],
  ['DisableApiStop', 'disableApiStop'],
  ['SourceDestCheck', 'sourceDestCheck'],
  ['EbsOptimized', 'ebsOptimized'],
] as const

function modifyMetadataOptions({ dataCentre, params }: Call): XmlObject {
  const instanceId = params.required('InstanceId')
  dataCentre.instances.modifyMetadataOptions(instanceId, metadataOptions(params) ?? {})
  const instance = dataCentre.instances.get(instanceId)
  return { instanceId, instanceMetadataOptions: instance && metadataOptionsView(instance) }
}
