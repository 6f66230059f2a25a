import { DOMParser } from '@xmldom/xmldom'
import type { Element as XmlElement } from '@xmldom/xmldom'
import { isIPv4 } from 'node:net'
import type { NameChange } from '../../datacentre/dns.ts'
import { SimError } from '../../datacentre/sim-error.ts'
import type { NameRecord } from '../../datacentre/types.ts'

const changesMost = 1000

/**
 * What a `ChangeResourceRecordSetsRequest` asks for.
 *
 * @throws SimError `MalformedInput` for what is no such document, `InvalidInput` and `InvalidChangeBatch` as Route 53 has them.
 */
export function changesIn(body: string): readonly NameChange[] {
  const changes = elements(rootOf(body), 'Change')
  if (changes.length === 0) throw new SimError('InvalidInput', 'Invalid request: expected 1 or more changes')
  if (changes.length > changesMost) throw new SimError('InvalidChangeBatch', `[Number of records limit of ${changesMost} exceeded.]`)
  return changes.map((change) => ({ action: actionOf(textOf(change, 'Action')), record: recordIn(change) }))
}

function rootOf(body: string): XmlElement {
  try {
    const root = new DOMParser().parseFromString(body, 'text/xml').documentElement
    if (root?.localName === 'ChangeResourceRecordSetsRequest') return root
  } catch {
    // Falls through to the same answer as any other document.
  }
  throw new SimError('MalformedInput', 'Unexpected complex element termination')
}

function recordIn(change: XmlElement): NameRecord {
  const type = textOf(change, 'Type') ?? ''
  const [setIdentifier, weight] = [textOf(change, 'SetIdentifier'), textOf(change, 'Weight')]
  if ((setIdentifier === undefined) !== (weight === undefined))
    throw new SimError('InvalidInput', 'Invalid request: Missing field SetIdentifier or Weight in Change with a routing policy')
  for (const other of ['AliasTarget', 'Region', 'Failover', 'GeoLocation', 'MultiValueAnswer', 'HealthCheckId'])
    if (elements(change, other).length > 0) throw new SimError('InvalidInput', `The simulated Route 53 has no ${other}.`)
  const values = elements(change, 'Value').map((value) => value.textContent ?? '')
  const wrong = type === 'A' ? values.find((value) => !isIPv4(value)) : undefined
  if (wrong !== undefined)
    throw new SimError(
      'InvalidChangeBatch',
      `[Invalid Resource Record: 'FATAL problem: ARRDATAIllegalIPv4Address (Value is not a valid IPv4 address) encountered with '${wrong}'']`,
    )
  return {
    name: absolute(textOf(change, 'Name') ?? ''),
    type,
    ttl: Number(textOf(change, 'TTL') ?? Number.NaN),
    values,
    ...(setIdentifier === undefined ? {} : { setIdentifier, weight: Number(weight) }),
  }
}

function actionOf(text: string | undefined): NameChange['action'] {
  if (text === 'CREATE' || text === 'DELETE' || text === 'UPSERT') return text
  throw new SimError('InvalidInput', `Invalid XML ; '${text ?? ''}' is not facet-valid with respect to enumeration '[CREATE, DELETE, UPSERT]'.`)
}

/** Names are kept with their final dot and in small letters. */
export const absolute = (name: string): string => (name.endsWith('.') ? name : `${name}.`).toLowerCase()

const elements = (parent: XmlElement, tag: string): XmlElement[] => [...parent.getElementsByTagName(tag)]
const textOf = (parent: XmlElement, tag: string): string | undefined => elements(parent, tag)[0]?.textContent ?? undefined
