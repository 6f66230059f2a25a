import type { SimError } from '../datacentre/sim-error.ts'
import type { XmlObject } from './call.ts'
import { EbsError } from './ebs/ebs-error.ts'
import type { Service } from './services.ts'
import { escapeXml, renderXml } from './xml.ts'

export interface Reply {
  readonly status: number
  readonly contentType: string
  readonly body: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

const namespaces: Record<Exclude<Service, 'ssm' | 'ebs'>, string> = {
  ec2: 'http://ec2.amazonaws.com/doc/2016-11-15/',
  elasticloadbalancing: 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/',
  route53: 'https://route53.amazonaws.com/doc/2013-04-01/',
  sqs: 'http://queue.amazonaws.com/doc/2012-11-05/',
  sts: 'https://sts.amazonaws.com/doc/2011-06-15/',
}
const xmlHead = '<?xml version="1.0" encoding="UTF-8"?>\n'

/** EC2 puts the result beside the request id; its lists are `<item>`s. */
export function ec2Reply(action: string, result: XmlObject, requestId: string): Reply {
  const body = `${xmlHead}<${action}Response xmlns="${namespaces.ec2}"><requestId>${requestId}</requestId>${renderXml(result, 'item')}</${action}Response>`
  return { status: 200, contentType: 'text/xml;charset=UTF-8', body }
}

/** The other Query services wrap the result; their lists are `<member>`s. */
export function queryReply(service: Exclude<Service, 'ssm' | 'ebs'>, action: string, result: string | XmlObject, requestId: string): Reply {
  const inner = typeof result === 'string' ? result : renderXml(result, 'member')
  const body = `<${action}Response xmlns="${namespaces[service]}"><${action}Result>${inner}</${action}Result><ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`
  return { status: 200, contentType: 'text/xml', body }
}

/** Route 53 wraps nothing: what is answered is inside of the response itself. */
export const restReply = (action: string, inner: string): Reply => ({
  status: 200,
  contentType: 'text/xml',
  body: `${xmlHead}<${action}Response xmlns="${namespaces.route53}">${inner}</${action}Response>`,
})

export const jsonReply = (result: unknown): Reply => ({ status: 200, contentType: 'application/x-amz-json-1.0', body: JSON.stringify(result) })

/** An error in the protocol the request came in. `json` only for SQS and Systems Manager. */
export function errorReply(service: Service | undefined, error: SimError, requestId: string, json: boolean): Reply {
  if (service === 'ssm') return ssmError(error)
  if (service === 'ebs') return ebsError(error)
  if (service === 'ec2') {
    const body = `${xmlHead}<Response><Errors><Error><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`
    return { status: error.status, contentType: 'text/xml;charset=UTF-8', body }
  }
  const side = error.status >= 500 ? 'Receiver' : 'Sender'
  if (json) return jsonError(error, side)
  const code = service === 'sqs' ? (sqsQueryCodes[error.code] ?? error.code) : error.code
  const xmlns = service === undefined ? '' : ` xmlns="${namespaces[service]}"`
  const body = `<ErrorResponse${xmlns}><Error><Type>${side}</Type><Code>${code}</Code><Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  return { status: error.status, contentType: 'text/xml', body }
}

/** The codes SQS used before it spoke JSON; the header carries them on for clients that compare with them. */
const sqsQueryCodes: Record<string, string> = {
  QueueDoesNotExist: 'AWS.SimpleQueueService.NonExistentQueue',
  QueueNameExists: 'QueueAlreadyExists',
  PurgeQueueInProgress: 'AWS.SimpleQueueService.PurgeQueueInProgress',
  MessageNotInflight: 'AWS.SimpleQueueService.MessageNotInflight',
  EmptyBatchRequest: 'AWS.SimpleQueueService.EmptyBatchRequest',
  TooManyEntriesInBatchRequest: 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest',
  BatchEntryIdsNotDistinct: 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct',
}

function jsonError(error: SimError, side: string): Reply {
  const queryCode = sqsQueryCodes[error.code] ?? error.code
  return {
    status: error.status,
    contentType: 'application/x-amz-json-1.0',
    body: JSON.stringify({ __type: `com.amazonaws.sqs#${error.code}`, message: error.message }),
    headers: { 'x-amzn-query-error': `${queryCode};${side}` },
  }
}

function ssmError({ status, code, message }: SimError): Reply {
  return { status, contentType: 'application/x-amz-json-1.1', body: JSON.stringify({ __type: code, ...(message === '' ? {} : { message }) }) }
}

function ebsError(error: SimError): Reply {
  const reason = error instanceof EbsError && error.reason !== '' ? { Reason: error.reason } : {}
  return {
    status: error.status,
    contentType: 'application/json',
    body: JSON.stringify({ Message: error.message, ...reason }),
    headers: { 'x-amzn-errortype': error.code },
  }
}
