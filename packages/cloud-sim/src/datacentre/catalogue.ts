import type { CatalogueApi, SpotPrice } from './api.ts'
import { select } from './select.ts'
import { SimError } from './sim-error.ts'
import type { Image, InstanceType, Market, Page, Query } from './types.ts'
import type { World } from './world.ts'

const capacityKey = (instanceType: string, zone: string, market: Market): string => `${instanceType}|${zone}|${market}`

/** Images, types, where they are offered, what they cost and how many are left. */
export class Catalogue implements CatalogueApi {
  readonly #world: World
  /** Told when a spot price rises, so that instances whose maximum it passes are interrupted. */
  onSpotPrice: ((instanceType: string, zone: string, usdPerHour: number) => void) | undefined

  constructor(world: World) {
    this.#world = world
  }

  describeImages(query: Query = {}): Page<Image> {
    const { images } = this.#world.state
    return select(query, {
      all: () => images.values(),
      byId: (id) => images.get(id),
      isVisible: (image) => image.state === 'available',
      notFound: (id) => new SimError('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`),
      tagsOf: (image) => image.tags,
      field: (image, name) => imageField(image, name),
    })
  }

  describeInstanceTypes(query: Query = {}): Page<InstanceType> {
    const { instanceTypes } = this.#world.state
    return select(query, {
      all: () => instanceTypes.values(),
      byId: (id) => instanceTypes.get(id),
      notFound: (id) => new SimError('InvalidInstanceType', `The following supplied instance types do not exist: [${id}]`),
      field: (type, name) => instanceTypeField(type, name),
    })
  }

  describeOfferings(query: Query = {}): Page<{ readonly instanceType: string; readonly zone: string }> {
    const { instanceTypes, zones } = this.#world.state
    const rows = [...instanceTypes.values()].flatMap((type) =>
      [...zones.keys()].filter((zone) => !type.notOfferedIn.includes(zone)).map((zone) => ({ instanceType: type.instanceType, zone })),
    )
    return select(query, {
      all: () => rows,
      byId: () => undefined,
      notFound: (id) => new SimError('InvalidParameterValue', id),
      field: (row, name) => (name === 'instance-type' ? [row.instanceType] : name === 'location' ? [row.zone] : undefined),
    })
  }

  spotPrices(query: { readonly instanceTypes?: readonly string[]; readonly zone?: string } = {}): readonly SpotPrice[] {
    const { instanceTypes, zones } = this.#world.state
    const types = query.instanceTypes ?? [...instanceTypes.keys()]
    return types.flatMap((instanceType) =>
      [...zones.keys()]
        .filter((zone) => (query.zone === undefined || zone === query.zone) && this.isOffered(instanceType, zone))
        .map((zone) => ({ instanceType, zone, ...this.#spotPrice(instanceType, zone) })),
    )
  }

  spotPrice(instanceType: string, zone: string): number {
    return this.#spotPrice(instanceType, zone).usdPerHour
  }

  onDemandPrice(instanceType: string): number | undefined {
    return this.#world.state.instanceTypes.get(instanceType)?.onDemandUsdPerHour
  }

  setSpotPrice(instanceType: string, zone: string, usdPerHour: number): void {
    this.#world.state.spotPrices.set(`${instanceType}|${zone}`, { usdPerHour, atMs: this.#world.now() })
    this.onSpotPrice?.(instanceType, zone, usdPerHour)
  }

  setOnDemandPrice(instanceType: string, usdPerHour: number): void {
    this.need(instanceType).onDemandUsdPerHour = usdPerHour
  }

  setCapacity(instanceType: string, zone: string, market: Market, free: number): void {
    const key = capacityKey(instanceType, zone, market)
    if (Number.isFinite(free)) this.#world.state.capacity.set(key, free)
    else this.#world.state.capacity.delete(key)
  }

  capacity(instanceType: string, zone: string, market: Market): number {
    if (this.#world.conditions.failedZones.has(zone)) return 0
    return this.#world.state.capacity.get(capacityKey(instanceType, zone, market)) ?? Number.POSITIVE_INFINITY
  }

  /** Takes `count` places or throws `InsufficientInstanceCapacity`, which EC2 sends as a server error. */
  take(instanceType: string, zone: string, market: Market, count: number): void {
    if (this.capacity(instanceType, zone, market) < count) throw insufficientCapacity(instanceType, zone, market)
    this.#adjust(instanceType, zone, market, -count)
  }

  giveBack(instanceType: string, zone: string, market: Market): void {
    this.#adjust(instanceType, zone, market, 1)
  }

  addImage(image: Parameters<CatalogueApi['addImage']>[0]): Image {
    const added: Image = { ...image, tags: { ...image.tags }, ownerId: this.#world.accountId, state: 'available', createdAtMs: this.#world.now() }
    this.#world.state.images.set(added.imageId, added)
    return added
  }

  addInstanceType(type: InstanceType): void {
    this.#world.state.instanceTypes.set(type.instanceType, { ...type, notOfferedIn: [...type.notOfferedIn] })
  }

  find(instanceType: string): InstanceType | undefined {
    return this.#world.state.instanceTypes.get(instanceType)
  }

  need(instanceType: string): InstanceType {
    const type = this.find(instanceType)
    if (!type) throw new SimError('InvalidParameterValue', `Invalid value '${instanceType}' for InstanceType.`)
    return type
  }

  isOffered(instanceType: string, zone: string): boolean {
    const type = this.find(instanceType)
    return type !== undefined && !type.notOfferedIn.includes(zone)
  }

  #spotPrice(instanceType: string, zone: string): { readonly usdPerHour: number; readonly atMs: number } {
    const set = this.#world.state.spotPrices.get(`${instanceType}|${zone}`)
    return set ?? { usdPerHour: Math.round((this.onDemandPrice(instanceType) ?? 0) * usualSpotShare * 1e4) / 1e4, atMs: 0 }
  }

  #adjust(instanceType: string, zone: string, market: Market, by: number): void {
    const key = capacityKey(instanceType, zone, market)
    const free = this.#world.state.capacity.get(key)
    if (free !== undefined) this.#world.state.capacity.set(key, free + by)
  }
}

/** Spot capacity costs roughly a third of on-demand while nobody has set a price. */
const usualSpotShare = 0.35

export function insufficientCapacity(instanceType: string, zone: string, market: Market): SimError {
  const message =
    market === 'spot'
      ? 'There is no Spot capacity available that matches your request.'
      : `We currently do not have sufficient ${instanceType} capacity in the Availability Zone you requested (${zone}). Our system will be working on provisioning additional capacity.`
  return new SimError('InsufficientInstanceCapacity', message, 500)
}

function imageField(image: Image, name: string): readonly (string | undefined)[] | undefined {
  switch (name) {
    case 'image-id':
      return [image.imageId]
    case 'name':
      return [image.name]
    case 'architecture':
      return [image.architecture]
    case 'state':
      return [image.state]
    case 'owner-id':
      return [image.ownerId]
    case 'root-device-name':
      return [image.rootDeviceName]
    case 'root-device-type':
      return ['ebs']
    default:
      return undefined
  }
}

function instanceTypeField(type: InstanceType, name: string): readonly (string | undefined)[] | undefined {
  switch (name) {
    case 'instance-type':
      return [type.instanceType]
    case 'hibernation-supported':
      return [String(type.hibernationSupported)]
    case 'processor-info.supported-architecture':
      return [type.architecture]
    case 'vcpu-info.default-vcpus':
      return [String(type.vcpus)]
    case 'memory-info.size-in-mib':
      return [String(type.memoryMiB)]
    case 'supported-usage-class':
      return ['on-demand', 'spot']
    default:
      return undefined
  }
}
