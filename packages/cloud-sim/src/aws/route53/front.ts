import type { DataCentre } from '../../datacentre/datacentre.ts'
import { SimError } from '../../datacentre/sim-error.ts'
import type { HostedZone, NameRecord } from '../../datacentre/types.ts'
import { invalidValue } from '../fault.ts'
import { type Reply, restReply } from '../responses.ts'
import { escapeXml } from '../xml.ts'
import { absolute, changesIn } from './changes.ts'

/** One request of the REST protocol, on its way to an action. */
interface RestCall {
  readonly dataCentre: DataCentre
  readonly id: string
  readonly query: URLSearchParams
  readonly body: string
}
interface RestRoute {
  readonly action: string
  readonly method: string
  readonly pattern: RegExp
  /** Answers the inside of the action's response. */
  readonly run: (call: RestCall) => string
}

const version = '/2013-04-01'
/** For so long the zone takes no other change. */
const processingMs = 200
const pageMost = 300

const routes: readonly RestRoute[] = [
  { action: 'ChangeResourceRecordSets', method: 'POST', pattern: /^\/hostedzone\/([^/]+)\/rrset\/?$/, run: changeRecords },
  { action: 'ListResourceRecordSets', method: 'GET', pattern: /^\/hostedzone\/([^/]+)\/rrset$/, run: listRecords },
  { action: 'GetChange', method: 'GET', pattern: /^\/change\/([^/]+)$/, run: getChange },
]

export const isRoute53 = (url: string): boolean => url.startsWith(`${version}/`)

/** What a request asks for, and how it is answered. */
export function route53RouteOf(
  method: string,
  url: string,
  body: string,
): { readonly action: string; readonly run: (dataCentre: DataCentre) => Reply } {
  const { pathname, searchParams } = new URL(url, 'http://route53')
  const path = pathname.slice(version.length)
  for (const { action, method: wanted, pattern, run } of routes) {
    const [, id] = (method === wanted && pattern.exec(path)) || []
    if (id === undefined) continue
    return { action, run: (dataCentre) => restReply(action, run({ dataCentre, id: decodeURIComponent(id), query: searchParams, body })) }
  }
  return {
    action: 'UnknownOperation',
    run() {
      throw new SimError('InvalidInput', `The simulated Route 53 has no ${method} ${path}.`)
    },
  }
}

function changeRecords({ dataCentre, id, body }: RestCall): string {
  const zone = dataCentre.dns.zone(id)
  const last = zone.changes.at(-1)
  if (last !== undefined && dataCentre.now() < last.atMs + processingMs)
    throw new SimError('PriorRequestNotComplete', `The request was rejected because Route 53 was still processing a prior request.`)
  return changeInfo(dataCentre, dataCentre.dns.change(zone.id, changesIn(body)))
}

function getChange({ dataCentre, id }: RestCall): string {
  if (dataCentre.dns.changeStatus(id) === undefined) throw new SimError('NoSuchChange', `Could not find resource with ID: ${id}`, 404)
  return changeInfo(dataCentre, id)
}

function changeInfo({ dns }: DataCentre, id: string): string {
  const { status = 'PENDING', atMs = 0 } = dns.changeStatus(id) ?? {}
  return `<ChangeInfo><Id>/change/${id}</Id><Status>${status}</Status><SubmittedAt>${new Date(atMs).toISOString()}</SubmittedAt></ChangeInfo>`
}

/** From a name on, by its labels from the last to the first, then by type and identifier. */
function listRecords({ dataCentre, id, query }: RestCall): string {
  const sorted = dataCentre.dns.zone(id).records.toSorted((a, b) => compare(placeOf(a), placeOf(b)))
  const start = placeIn(query)
  const most = Math.min(Number(query.get('maxitems') ?? pageMost), pageMost)
  if (!Number.isInteger(most) || most < 1) throw invalidValue(query.get('maxitems') ?? '', 'maxitems')
  const found = sorted.filter((record) => start === undefined || compare(placeOf(record), start) >= 0)
  const next = found[most]
  return [
    `<ResourceRecordSets>${found.slice(0, most).map(recordXml).join('')}</ResourceRecordSets>`,
    `<IsTruncated>${next !== undefined}</IsTruncated>`,
    next === undefined ? '' : `<NextRecordName>${escapeXml(next.name)}</NextRecordName><NextRecordType>${next.type}</NextRecordType>`,
    next?.setIdentifier === undefined ? '' : `<NextRecordIdentifier>${escapeXml(next.setIdentifier)}</NextRecordIdentifier>`,
    `<MaxItems>${most}</MaxItems>`,
  ].join('')
}

type Place = readonly [labels: string, type: string, identifier: string]
const labelsOf = (name: string): string => absolute(name).split('.').toReversed().join('.')
const placeOf = ({ name, type, setIdentifier = '' }: NameRecord): Place => [labelsOf(name), type, setIdentifier]
function placeIn(query: URLSearchParams): Place | undefined {
  const name = query.get('name')
  if (name === null) {
    if (query.has('type')) throw new SimError('InvalidInput', 'The input is not valid: a type is given without a name.')
    return undefined
  }
  return [labelsOf(name), query.get('type') ?? '', query.get('identifier') ?? '']
}
const compare = (a: Place, b: Place): number => {
  const at = a.findIndex((part, index) => part !== b[index])
  return at < 0 ? 0 : (a[at] ?? '') < (b[at] ?? '') ? -1 : 1
}

const recordXml = ({ name, type, ttl, values, setIdentifier, weight }: HostedZone['records'][number]): string =>
  [
    `<ResourceRecordSet><Name>${escapeXml(name)}</Name><Type>${type}</Type>`,
    setIdentifier === undefined ? '' : `<SetIdentifier>${escapeXml(setIdentifier)}</SetIdentifier><Weight>${weight ?? 0}</Weight>`,
    `<TTL>${ttl}</TTL><ResourceRecords>`,
    ...values.map((value) => `<ResourceRecord><Value>${escapeXml(value)}</Value></ResourceRecord>`),
    '</ResourceRecords></ResourceRecordSet>',
  ].join('')
