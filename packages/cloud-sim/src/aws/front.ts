import type { Clock, Random } from '@understudy/core'
import type { DataCentre } from '../datacentre/datacentre.ts'
import { ConnectionReset, SimError } from '../datacentre/sim-error.ts'
import { type AccessKey, type AccessKeys, isDenied } from './access-keys.ts'
import { authenticate } from './authenticate.ts'
import type { ActionEntry, ActionTable, XmlObject } from './call.ts'
import { ebsRouteOf } from './ebs/actions.ts'
import { asEbsSaysIt } from './ebs/ebs-error.ts'
import { ec2Actions } from './ec2/actions.ts'
import { otherRegionActions } from './ec2/copy-actions.ts'
import { elbv2Actions } from './elbv2/actions.ts'
import { Params } from './params.ts'
import { randomUuid } from './random-text.ts'
import { ec2Reply, errorReply, jsonReply, queryReply, type Reply } from './responses.ts'
import { isRoute53, route53RouteOf } from './route53/front.ts'
import { type RestService, type Service, serviceOf } from './services.ts'
import { type Authorization, headerText, parseAuthorization, type SignedRequest } from './sigv4.ts'
import { type SqsInput, sqsActions } from './sqs/actions.ts'
import { inputFromQuery, outputToQuery } from './sqs/query-protocol.ts'
import type { QueueService } from './sqs/service.ts'
import { ssmActions } from './ssm/actions.ts'
import { stsActions } from './sts-actions.ts'

export interface Region {
  readonly dataCentre: DataCentre
  readonly queues: QueueService
}

export interface FrontOptions {
  readonly regions: ReadonlyMap<string, Region>
  readonly keys: AccessKeys
  /** The clock signatures are checked against: the callers' own, not the simulated one. */
  readonly wallClock: Clock
  readonly random: Random
  readonly baseUrl: () => string
  readonly onInternalError: (error: unknown) => void
}

/** A request as it was read off the wire. `signal` aborts when the caller hangs up. */
export interface FrontRequest extends SignedRequest {
  readonly body: string
  readonly signal: AbortSignal
}

type QueryService = Exclude<Service, 'sqs' | 'ssm' | RestService>
const tables: Record<QueryService, ActionTable> = { ec2: ec2Actions, elasticloadbalancing: elbv2Actions, sts: stsActions }

/**
 * Answers one request to any of the simulated services. Throws `ConnectionReset` when the answer is to be withheld; every
 * other failure is an error document in the caller's own protocol.
 */
export async function answer(options: FrontOptions, request: FrontRequest): Promise<Reply> {
  const requestId = randomUuid(options.random)
  const authorization = parseAuthorization(headerText(request.headers.authorization))
  const target = headerText(request.headers['x-amz-target'])
  const json = target !== ''
  let service: Service | undefined
  try {
    const params = json || isRoute53(request.url) ? undefined : paramsOf(request)
    service = isRoute53(request.url) ? 'route53' : serviceOf(authorization, target, params?.optional('Version'))
    const key = authenticate(request, authorization, options.keys, options.wallClock.nowMs())
    const restful = routeOf(service, request)
    const action = restful !== undefined ? restful.action : json ? target.slice(target.indexOf('.') + 1) : (params?.optional('Action') ?? '')
    if (service === undefined || authorization === undefined)
      throw new SimError('UnknownService', `The simulated region has no service '${authorization?.service ?? ''}'.`, 404)
    if (action === '') throw new SimError('MissingAction', 'The request must contain an Action.')
    const region = regionOf(options, authorization)
    authorise(key, service, action)
    if (restful !== undefined) return withRequestId(await region.dataCentre.invoke(action, () => restful.run(region.dataCentre)), requestId)
    if (service === 'ebs' || service === 'route53') throw new SimError('UnknownService', 'The simulated region has no such call.', 404) // never: every request to it has its route
    if (service === 'sqs') return withRequestId(await sqsReply(options, region, authorization.region, action, request, params, requestId), requestId)
    if (service === 'ssm') return withRequestId(await ssmReply(options, region, action, request), requestId)
    return withRequestId(
      await queryServiceReply({
        options,
        region,
        regionName: authorization.region,
        service,
        action,
        key,
        params: params ?? new Params(new Map()),
        requestId,
      }),
      requestId,
    )
  } catch (error) {
    if (error instanceof ConnectionReset) throw error
    if (!(error instanceof SimError)) options.onInternalError(error)
    const shown =
      error instanceof SimError ? asTheServiceSaysIt(error, service) : new SimError('InternalError', 'An internal error has occurred', 500)
    return withRequestId(errorReply(service, shown, requestId, json), requestId)
  }
}

/** Of a service whose requests are paths. */
function routeOf(service: Service | undefined, { method, url, body }: FrontRequest) {
  if (service === 'ebs') return ebsRouteOf(method, url)
  return service === 'route53' ? route53RouteOf(method, url, body) : undefined
}

async function queryServiceReply(call: {
  options: FrontOptions
  region: Region
  regionName: string
  service: QueryService
  action: string
  key: AccessKey
  params: Params
  requestId: string
}): Promise<Reply> {
  const { options, region, regionName, service, action, key, params, requestId } = call
  const { dataCentre } = region
  const table = service === 'ec2' && regionName !== dataCentre.region ? otherRegionActions : tables[service]
  const found = Object.hasOwn(table, action) ? table[action] : undefined
  if (found === undefined) throw new SimError('InvalidAction', `The action ${action} is not valid for this web service.`)
  const entry: ActionEntry = typeof found === 'function' ? { run: found } : found
  const cost = service === 'ec2' ? { ...entry.cost?.(params), unpaged: isUnpaged(action, params) } : undefined
  const result = await dataCentre.invoke<XmlObject>(
    action,
    () => {
      // A dry run asks about permission only, and that has been answered by the time this runs.
      if (service === 'ec2' && params.boolean('DryRun') === true)
        throw new SimError('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.', 412)
      return entry.run({ dataCentre, key, params, region: regionName, regions: [...options.regions.keys(), ...dataCentre.otherRegions] })
    },
    cost,
  )
  return service === 'ec2' ? ec2Reply(action, result, requestId) : queryReply(service, action, result, requestId)
}

async function sqsReply(
  options: FrontOptions,
  region: Region,
  regionName: string,
  action: string,
  request: FrontRequest,
  params: Params | undefined,
  requestId: string,
): Promise<Reply> {
  const run = Object.hasOwn(sqsActions, action) ? sqsActions[action] : undefined
  if (run === undefined) throw new SimError('InvalidAction', `The action ${action} is not valid for this endpoint.`)
  const input = params === undefined ? jsonInput(request.body) : withPathQueue(inputFromQuery(params), request.url)
  const call = { queues: region.queues, input, region: regionName, baseUrl: options.baseUrl(), signal: request.signal }
  // A receive that waits is awaited outside of the door: faults strike when the call is made, not when it ends.
  const output = await (await region.dataCentre.invoke(action, () => ({ pending: run(call) }))).pending
  return params === undefined ? jsonReply(output) : queryReply('sqs', action, outputToQuery(action, output), requestId)
}

async function ssmReply(options: FrontOptions, { dataCentre }: Region, action: string, request: FrontRequest): Promise<Reply> {
  const run = Object.hasOwn(ssmActions, action) ? ssmActions[action] : undefined
  if (run === undefined) throw new SimError('UnknownOperationException', `The action ${action} is not valid for this endpoint.`)
  const call = { dataCentre, input: jsonInput(request.body), newId: () => randomUuid(options.random) }
  return { ...jsonReply(await dataCentre.invoke(action, () => run(call))), contentType: 'application/x-amz-json-1.1' }
}

/** Clients of the Query protocol post to the queue's own URL and may leave it out of the parameters. */
const withPathQueue = (input: SqsInput, url: string): SqsInput => (input.QueueUrl === undefined ? { ...input, QueueUrl: url.split('?')[0] } : input)

function jsonInput(body: string): SqsInput {
  try {
    const value: unknown = JSON.parse(body === '' ? '{}' : body)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as SqsInput // an object, as just checked
  } catch {
    // Falls through to the same answer as any other body that is not an object.
  }
  throw new SimError('SerializationException', 'The request body is not a JSON object')
}

function paramsOf(request: FrontRequest): Params {
  const query = request.url.indexOf('?')
  const inUrl = query < 0 ? '' : request.url.slice(query + 1)
  return Params.fromForm(request.body === '' ? inUrl : inUrl === '' ? request.body : `${inUrl}&${request.body}`)
}

function regionOf(options: FrontOptions, authorization: Authorization): Region {
  // STS is a global service to many clients, and Route 53 is one: they sign for us-east-1 wherever they are.
  const isGlobal = authorization.service === 'sts' || authorization.service === 'route53'
  const isBeside = ({ dataCentre }: Region): boolean => authorization.service === 'ec2' && dataCentre.otherRegions.includes(authorization.region)
  const region =
    options.regions.get(authorization.region) ??
    (isGlobal ? [...options.regions.values()][0] : [...options.regions.values()].find((candidate) => isBeside(candidate)))
  if (region === undefined)
    throw new SimError('SignatureDoesNotMatch', `Credential should be scoped to a valid region, not '${authorization.region}'. `, 403)
  return region
}

function authorise(key: AccessKey, service: Service, called: string): void {
  // A batch needs the permission of its single call.
  const action = service === 'sqs' ? called.replace(/Batch$/, '') : called
  if (action === 'GetCallerIdentity' || !isDenied(key, `${service}:${action}`)) return
  if (service === 'ec2')
    throw new SimError(
      'UnauthorizedOperation',
      `You are not authorized to perform this operation. User: ${key.arn} is not authorized to perform: ec2:${action} with an explicit deny in an identity-based policy.`,
      403,
    )
  throw new SimError(
    'AccessDenied',
    `User: ${key.arn} is not authorized to perform: ${service}:${action} with an explicit deny in an identity-based policy`,
    403,
  )
}

const isUnpaged = (action: string, params: Params): boolean =>
  action.startsWith('Describe') && params.names().every((name) => name === 'Action' || name === 'Version' || name === 'DryRun')

/** Throttling has another name and status outside of EC2. */
function asTheServiceSaysIt(error: SimError, service: Service | undefined): SimError {
  if (service === 'ebs') return asEbsSaysIt(error)
  if (error.code !== 'RequestLimitExceeded' || service === 'ec2' || service === undefined) return error
  if (service === 'ssm') return new SimError('ThrottlingException', 'Rate exceeded', 400)
  return service === 'sqs' ? new SimError('RequestThrottled', 'Rate exceeded', 403) : new SimError('Throttling', 'Rate exceeded', 400)
}

const withRequestId = (reply: Reply, requestId: string): Reply => ({ ...reply, headers: { ...reply.headers, 'x-amzn-requestid': requestId } })
