import type { SpotRequest } from '../../datacentre/types.ts'
import type { ActionTable, Call, XmlObject } from '../call.ts'
import { compact } from '../compact.ts'
import { missingParameter } from '../fault.ts'
import { queryOf, tagSet } from './common.ts'

export const spotActions: ActionTable = {
  DescribeSpotPriceHistory: describeSpotPriceHistory,
  DescribeSpotInstanceRequests: ({ dataCentre, params }) => {
    const page = dataCentre.market.describeSpotRequests(queryOf(params, 'SpotInstanceRequestId'))
    return { spotInstanceRequestSet: page.items.map(requestView), nextToken: page.nextToken }
  },
  CancelSpotInstanceRequests: ({ dataCentre, params }) => {
    const ids = params.texts('SpotInstanceRequestId')
    if (ids.length === 0) throw missingParameter('SpotInstanceRequestId')
    const cancelled = dataCentre.market.cancelSpotRequests(ids)
    return { spotInstanceRequestSet: cancelled.map(({ requestId, state }) => ({ spotInstanceRequestId: requestId, state })) }
  },
}

function describeSpotPriceHistory({ dataCentre, params }: Call): XmlObject {
  const { filters = [], maxResults, nextToken } = queryOf(params, 'NoIds')
  const valuesOf = (name: string): readonly string[] => filters.find((filter) => filter.name === name)?.values ?? []
  const types = [...params.texts('InstanceType'), ...valuesOf('instance-type')]
  const zone = params.optional('AvailabilityZone') ?? valuesOf('availability-zone')[0]
  const startMs = params.instant('StartTime')
  const endMs = params.instant('EndTime')
  const prices = dataCentre.catalogue
    .spotPrices(compact({ instanceTypes: types.length > 0 ? types : undefined, zone }))
    // As on EC2, the price in force at the start time is part of the answer even though it was set before.
    .filter(
      (price, _, all) =>
        (endMs === undefined || price.atMs <= endMs) && (startMs === undefined || price.atMs >= startMs || isInForceAt(price, startMs, all)),
    )
    .toSorted((a, b) => b.atMs - a.atMs)
  const from = Number(nextToken ?? 0)
  const to = from + (maxResults ?? 1000)
  return {
    spotPriceHistorySet: prices.slice(from, to).map((price) => ({
      instanceType: price.instanceType,
      productDescription: 'Linux/UNIX',
      spotPrice: price.usdPerHour.toFixed(6),
      timestamp: new Date(price.atMs),
      availabilityZone: price.zone,
    })),
    nextToken: to < prices.length ? String(to) : '',
  }
}

interface Price {
  readonly instanceType: string
  readonly zone: string
  readonly atMs: number
}
const isInForceAt = (price: Price, ms: number, all: readonly Price[]): boolean =>
  price.atMs <= ms &&
  !all.some((other) => other.instanceType === price.instanceType && other.zone === price.zone && other.atMs > price.atMs && other.atMs <= ms)

function requestView(request: SpotRequest): XmlObject {
  return {
    spotInstanceRequestId: request.requestId,
    instanceId: request.instanceId,
    type: request.kind,
    state: request.state,
    status: { code: request.statusCode, message: request.statusCode.replaceAll('-', ' '), updateTime: new Date(request.statusAtMs) },
    spotPrice: request.maxPrice,
    createTime: new Date(request.createdAtMs),
    productDescription: 'Linux/UNIX',
    launchedAvailabilityZone: request.instanceId === undefined ? undefined : request.zone,
    launchSpecification: { instanceType: request.instanceType, placement: { availabilityZone: request.zone } },
    instanceInterruptionBehavior: request.interruptionBehavior,
    tagSet: tagSet(request.tags),
  }
}
