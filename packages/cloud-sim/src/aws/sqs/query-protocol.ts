import type { Params } from '../params.ts'
import { escapeXml } from '../xml.ts'
import type { SqsInput, SqsOutput } from './actions.ts'

/** Clients from before 2023 speak the Query protocol to SQS. Its request as the JSON protocol has it. */
export function inputFromQuery(params: Params): SqsInput {
  const input: Record<string, unknown> = {}
  for (const name of params.names()) {
    const value = params.optional(name)
    if (value !== undefined) input[name] = value
  }
  const names = {
    AttributeName: 'AttributeNames',
    MessageAttributeName: 'MessageAttributeNames',
    MessageSystemAttributeName: 'MessageSystemAttributeNames',
  }
  for (const [flat, plural] of Object.entries(names)) if (params.has(flat)) input[plural] = params.texts(flat)
  const attributes = params.list('Attribute')
  if (attributes.length > 0)
    input.Attributes = Object.fromEntries(attributes.map((attribute) => [attribute.required('Name'), attribute.optional('Value') ?? '']))
  const messageAttributes = messageAttributesOf(params)
  if (messageAttributes !== undefined) input.MessageAttributes = messageAttributes
  const entryNames = params.names().filter((name) => name.endsWith('BatchRequestEntry'))
  for (const name of entryNames) input.Entries = params.list(name).map(inputFromQuery)
  return input
}

function messageAttributesOf(params: Params): SqsInput | undefined {
  const attributes = params.list('MessageAttribute')
  if (attributes.length === 0) return undefined
  return Object.fromEntries(
    attributes.map((attribute) => {
      const value = attribute.child('Value')
      const stringValue = value?.optional('StringValue')
      const binaryValue = value?.optional('BinaryValue')
      return [
        attribute.required('Name'),
        {
          DataType: value?.required('DataType'),
          ...(stringValue === undefined ? {} : { StringValue: stringValue }),
          ...(binaryValue === undefined ? {} : { BinaryValue: binaryValue }),
        },
      ]
    }),
  )
}

/** The singular element each list is flattened to. */
const elements: Record<string, string> = { Messages: 'Message', QueueUrls: 'QueueUrl' }

/** The result of an action as the flattened XML of the Query protocol. */
export function outputToQuery(action: string, output: SqsOutput): string {
  let xml = ''
  for (const [name, value] of Object.entries(output)) xml += member(action, name, value)
  return xml
}

function member(action: string, name: string, value: unknown): string {
  if (value === undefined) return ''
  if (name === 'Attributes') return entries('Attribute', value, String)
  if (name === 'MessageAttributes') return entries('MessageAttribute', value)
  if (Array.isArray(value)) {
    const tag = name === 'Successful' ? `${action}ResultEntry` : name === 'Failed' ? 'BatchResultErrorEntry' : (elements[name] ?? name)
    return value
      .map((item: unknown) => `<${tag}>${typeof item === 'object' ? outputToQuery(action, item as SqsOutput) : escapeXml(String(item))}</${tag}>`)
      .join('')
  }
  if (typeof value === 'object' && value !== null) return `<${name}>${outputToQuery(action, value as SqsOutput)}</${name}>`
  return `<${name}>${escapeXml(String(value))}</${name}>`
}

function entries(tag: string, value: unknown, plain?: (value: unknown) => string): string {
  return Object.entries(value as Record<string, unknown>)
    .map(
      ([name, item]) =>
        `<${tag}><Name>${escapeXml(name)}</Name><Value>${plain ? escapeXml(plain(item)) : outputToQuery('', item as SqsOutput)}</Value></${tag}>`,
    )
    .join('')
}
