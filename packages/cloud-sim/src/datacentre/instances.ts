import type { InstanceApi, InstanceAttributeChange, RunInstancesInput, StateChange } from './api.ts'
import type { Catalogue } from './catalogue.ts'
import { instanceSelection } from './instance-query.ts'
import type { Launch } from './launch.ts'
import type { Network } from './network.ts'
import type { Power } from './power.ts'
import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import type { Storage } from './storage.ts'
import type { Instance, InstanceState, MetadataOptions, Page, Query } from './types.ts'
import type { World } from './world.ts'

/** The door to launching, power, attributes and reading. */
export class Instances implements InstanceApi {
  readonly #world: World
  readonly #launch: Launch
  readonly #power: Power
  readonly #network: Network
  readonly #catalogue: Catalogue
  readonly #storage: Storage

  constructor(world: World, parts: { launch: Launch; power: Power; network: Network; catalogue: Catalogue; storage: Storage }) {
    this.#world = world
    this.#launch = parts.launch
    this.#power = parts.power
    this.#network = parts.network
    this.#catalogue = parts.catalogue
    this.#storage = parts.storage
  }

  run(input: RunInstancesInput): { readonly reservationId: string; readonly instances: readonly Instance[] } {
    return this.#launch.run(input)
  }

  describe(query: Query = {}): Page<Instance> {
    if (query.maxResults !== undefined && (query.maxResults < 5 || query.maxResults > 1000)) {
      throw new SimError(
        'InvalidParameterValue',
        `Value ( ${query.maxResults} ) for parameter maxResults is invalid. Expecting a value between 5 and 1000.`,
      )
    }
    return select(
      query,
      instanceSelection(this.#world, (instance) => this.seenState(instance)),
    )
  }

  start(instanceIds: readonly string[]): readonly StateChange[] {
    return this.#power.start(instanceIds)
  }

  stop(instanceIds: readonly string[], how: { readonly force?: boolean; readonly hibernate?: boolean } = {}): readonly StateChange[] {
    return this.#power.stop(instanceIds, how)
  }

  reboot(instanceIds: readonly string[]): void {
    this.#power.reboot(instanceIds)
  }

  terminate(instanceIds: readonly string[]): readonly StateChange[] {
    return this.#power.terminate(instanceIds)
  }

  modifyAttribute(instanceId: string, change: InstanceAttributeChange): void {
    const instance = this.#power.need(instanceId)
    if (instance.state === 'terminated' || instance.state === 'shutting-down') {
      throw new SimError('IncorrectInstanceState', `The instance '${instanceId}' is not in a valid state for this operation.`)
    }
    switch (change.attribute) {
      case 'instanceType':
        return this.#resize(instance, change.value)
      case 'userData':
        this.#needStopped(instance)
        instance.userData = change.value
        return
      case 'ebsOptimized':
        this.#needStopped(instance)
        instance.ebsOptimized = change.value
        return
      case 'disableApiTermination':
        instance.disableApiTermination = change.value
        return
      case 'disableApiStop':
        instance.disableApiStop = change.value
        return
      case 'instanceInitiatedShutdownBehavior':
        instance.shutdownBehavior = change.value
        return
      case 'sourceDestCheck':
        for (const nic of instance.nics) if (nic.deviceIndex === 0) nic.sourceDestCheck = change.value
        return
      case 'groupSet':
        instance.securityGroupIds = this.#network.needGroups(change.value, instance.vpcId)
        for (const nic of instance.nics) if (nic.deviceIndex === 0) nic.securityGroupIds = [...instance.securityGroupIds]
        return
      case 'deleteOnTermination':
        for (const [device, value] of Object.entries(change.value)) this.#storage.setDeleteOnTermination(instance, device, value)
    }
  }

  modifyMetadataOptions(instanceId: string, options: Partial<MetadataOptions>): MetadataOptions {
    const instance = this.#power.need(instanceId)
    instance.metadataOptions = { ...instance.metadataOptions, ...options }
    return instance.metadataOptions
  }

  get(instanceId: string): Instance | undefined {
    return this.#world.state.instances.get(instanceId)
  }

  seenState(instance: Instance): InstanceState {
    const { previousState, staleUntilMs, state } = instance
    return previousState !== undefined && staleUntilMs !== undefined && this.#world.now() < staleUntilMs ? previousState : state
  }

  setAnswering(instanceId: string, answering: boolean): void {
    const instance = this.#power.need(instanceId)
    if (answering && instance.state !== 'running') throw new SimError('IncorrectInstanceState', `The instance '${instanceId}' does not run.`)
    if (answering && this.#world.conditions.failedZones.has(instance.zone)) {
      throw new SimError('IncorrectInstanceState', `The zone ${instance.zone} of '${instanceId}' has failed: nothing in it answers.`)
    }
    this.#world.setAnswering(instance, answering)
  }

  all(): Iterable<Instance> {
    return this.#world.state.instances.values()
  }

  count(): number {
    return this.#world.state.instances.size
  }

  #resize(instance: Instance, instanceType: string): void {
    this.#needStopped(instance)
    if (instance.market === 'spot')
      throw new SimError('UnsupportedOperation', `You can't modify the instance type of the Spot Instance '${instance.instanceId}'.`)
    if (instance.hibernationConfigured) {
      throw new SimError(
        'UnsupportedOperation',
        `The instance type of '${instance.instanceId}' can't be changed because it is configured for hibernation.`,
      )
    }
    const type = this.#catalogue.find(instanceType)
    if (!type) throw new SimError('InvalidInstanceAttributeValue', `The value '${instanceType}' for the attribute instanceType is not valid.`)
    if (type.architecture !== instance.architecture) {
      throw new SimError('InvalidInstanceAttributeValue', `The architecture of '${instanceType}' does not match that of the instance.`)
    }
    if (!this.#catalogue.isOffered(instanceType, instance.zone)) {
      throw new SimError('Unsupported', `The requested configuration is currently not supported: ${instanceType} in ${instance.zone}.`)
    }
    instance.instanceType = instanceType
  }

  #needStopped(instance: Instance): void {
    if (instance.state !== 'stopped')
      throw new SimError('IncorrectInstanceState', `The instance '${instance.instanceId}' is not in the 'stopped' state.`)
  }
}
