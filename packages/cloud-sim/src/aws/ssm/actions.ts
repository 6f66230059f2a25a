import type { DataCentre } from '../../datacentre/datacentre.ts'
import { SimError } from '../../datacentre/sim-error.ts'
import { handToAgent, isAgentThere } from '../../guest/agent.ts'
import type { AgentRun } from '../../guest/agent.ts'

/** One request of the JSON protocol (`AmazonSSM.…`). */
export interface SsmCall {
  readonly dataCentre: DataCentre
  readonly input: Readonly<Record<string, unknown>>
  readonly newId: () => string
}
interface CommandRecord {
  readonly commandId: string
  readonly documentName: string
  readonly comment: string
  readonly parameters: Readonly<Record<string, readonly string[]>>
  readonly runs: readonly AgentRun[]
}

/** Not written down: a region that starts again has no history of commands. */
const histories = new WeakMap<DataCentre, CommandRecord[]>()
const historyOf = (dataCentre: DataCentre): CommandRecord[] => {
  const known = histories.get(dataCentre) ?? []
  histories.set(dataCentre, known)
  return known
}

/** What Systems Manager keeps of each output. */
const outputMax = 24_000
const documents = new Set(['AWS-RunShellScript', 'AWS-RunPowerShellScript'])

/** Run Command, as far as one instance is told one thing. */
export const ssmActions: Readonly<Record<string, (call: SsmCall) => Readonly<Record<string, unknown>>>> = {
  SendCommand(call) {
    const { dataCentre, input } = call
    const documentName = text(input, 'DocumentName')
    if (!documents.has(documentName)) throw new SimError('InvalidDocument', `Document ${documentName} does not exist.`)
    const ids = texts(input['InstanceIds'])
    const comment = typeof input['Comment'] === 'string' ? input['Comment'] : ''
    if (comment.length > 100) throw invalid('comment', comment, 'Member must have length less than or equal to 100')
    const delivery = input['TimeoutSeconds'] ?? 3600
    if (typeof delivery !== 'number' || delivery < 30) throw invalid('timeoutSeconds', delivery, 'Member must have value greater than or equal to 30')
    const parameters = parametersIn(input['Parameters'])
    for (const name of Object.keys(parameters))
      if (!['commands', 'executionTimeout', 'workingDirectory'].includes(name))
        throw new SimError('InvalidParameters', `Parameter ${name} is not defined.`)
    const seconds = Number(parameters['executionTimeout']?.[0] ?? 3600)
    if (!ids.every((id) => isAgentThere(dataCentre, id)))
      throw new SimError('InvalidInstanceId', `Instances [[${ids.join(', ')}]] not in a valid state for account ${dataCentre.accountId}`)
    const script = (parameters['commands'] ?? []).join('\n')
    const runs = ids.map((id) => handToAgent(dataCentre, id, script, seconds))
    const record: CommandRecord = { commandId: call.newId(), documentName, comment, parameters, runs }
    historyOf(dataCentre).unshift(record)
    return { Command: commandView(dataCentre, record) }
  },
  ListCommands({ dataCentre, input }) {
    const instanceId = typeof input['InstanceId'] === 'string' ? input['InstanceId'] : undefined
    const limit = typeof input['MaxResults'] === 'number' ? input['MaxResults'] : 50
    const found = historyOf(dataCentre).filter(({ runs }) => instanceId === undefined || runs.some((run) => run.instanceId === instanceId))
    return { Commands: found.slice(0, limit).map((record) => commandView(dataCentre, record)) }
  },
  GetCommandInvocation({ dataCentre, input }) {
    const [commandId, instanceId] = [text(input, 'CommandId'), text(input, 'InstanceId')]
    const record = historyOf(dataCentre).find((candidate) => candidate.commandId === commandId)
    const run = record?.runs.find((candidate) => candidate.instanceId === instanceId)
    if (record === undefined || run === undefined) throw new SimError('InvocationDoesNotExist', '')
    const status = statusOf(dataCentre, run)
    const ended = status !== 'InProgress'
    return {
      ...{ CommandId: commandId, InstanceId: instanceId, Comment: record.comment, DocumentName: record.documentName },
      ...{ PluginName: 'aws:runShellScript', Status: status, StatusDetails: status === 'TimedOut' ? 'Execution Timed Out' : status },
      ResponseCode: !ended || run.timedOut ? -1 : run.ran.exitCode,
      ExecutionStartDateTime: new Date(run.startedMs).toISOString(),
      StandardOutputContent: ended ? run.ran.output.slice(0, outputMax) : '',
      StandardErrorContent: ended ? run.ran.errorOutput.slice(0, outputMax) : '',
    }
  },
}

function statusOf(dataCentre: DataCentre, { endsMs, timedOut, ran }: AgentRun): string {
  if (dataCentre.now() < endsMs) return 'InProgress'
  return timedOut ? 'TimedOut' : ran.exitCode === 0 ? 'Success' : 'Failed'
}

function commandView(dataCentre: DataCentre, { commandId, documentName, comment, parameters, runs }: CommandRecord): object {
  const statuses = runs.map((run) => statusOf(dataCentre, run))
  const status = statuses.find((one) => one === 'InProgress') ?? statuses.find((one) => one !== 'Success') ?? 'Success'
  return {
    ...{ CommandId: commandId, DocumentName: documentName, Comment: comment, Parameters: parameters, Status: status, StatusDetails: status },
    ...{ InstanceIds: runs.map(({ instanceId }) => instanceId), TargetCount: runs.length },
    RequestedDateTime: Math.floor((runs[0]?.startedMs ?? 0) / 1000),
  }
}

function text(input: Readonly<Record<string, unknown>>, name: string): string {
  const value = input[name]
  if (typeof value === 'string' && value !== '') return value
  throw new SimError('ValidationException', `1 validation error detected: Value at '${name}' failed to satisfy constraint: Member must not be null`)
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [])

function parametersIn(value: unknown): Record<string, readonly string[]> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.fromEntries(Object.entries(value).map(([name, given]) => [name, texts(given)]))
}

const invalid = (name: string, value: unknown, why: string): SimError =>
  new SimError('ValidationException', `1 validation error detected: Value '${String(value)}' at '${name}' failed to satisfy constraint: ${why}`)
