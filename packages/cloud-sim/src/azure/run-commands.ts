import type { JsonObject } from '@understudy/core'
import { handToAgent, isAgentThere } from '../guest/agent.ts'
import type { AgentRun } from '../guest/agent.ts'
import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, at, needText, ok, tagsOf, textAt } from './call.ts'
import { begin } from './operations.ts'
import { notFound } from './resource-id.ts'
import { vmOf } from './virtual-machines.ts'

/** A managed run command of a VM, and what came of it. */
export interface RunCommandRecord {
  readonly id: string
  readonly name: string
  readonly location: string
  readonly tags: Record<string, string>
  readonly properties: JsonObject
  readonly run: AgentRun
}

const commandsMax = 25
/** Of each output, the end of it. */
const outputMax = 4096

const keyOf = (call: ArmCall): { readonly vmId: string; readonly id: string } => {
  const vm = vmOf(call)
  return { vmId: vm.id, id: `${vm.id}/runCommands/${call.params['command'] ?? ''}` }
}

export const putRunCommand = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('VirtualMachineRunCommands_CreateOrUpdate', () => {
    const { vmId, id } = keyOf(call)
    const vm = vmOf(call)
    const location = needText(call.body, 'location')
    const script = needText(call.body, 'properties.source.script')
    const known = call.state.runCommands.get(id.toLowerCase())
    if (known !== undefined) return ok(body(call, known, false))
    if (commandsOf(call, vmId).length >= commandsMax)
      throw new ArmError(409, 'OperationNotAllowed', `The VM '${vm.name}' has ${commandsMax} run commands, which is the most that there can be.`)
    if (!isAgentThere(call.dataCentre, vm.instanceId ?? ''))
      throw new ArmError(409, 'OperationNotAllowed', 'Cannot modify extensions in the VM when the VM is not running.')
    const seconds = Number(at(call.body, 'properties.timeoutInSeconds') ?? 3600)
    const record: RunCommandRecord = {
      ...{ id, name: call.params['command'] ?? '', location, tags: tagsOf(call.body) },
      properties: at(call.body, 'properties') as JsonObject, // it has a script
      run: handToAgent(call.dataCentre, vm.instanceId ?? '', script, seconds),
    }
    call.state.runCommands.set(id.toLowerCase(), record)
    return begin(call, () => 'Succeeded', { status: 201, body: body(call, record, false) })
  })

const commandsOf = (call: ArmCall, vmId: string): readonly RunCommandRecord[] =>
  [...call.state.runCommands.values()].filter((record) => record.id.toLowerCase().startsWith(`${vmId.toLowerCase()}/runcommands/`))

export const listRunCommands = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('VirtualMachineRunCommands_ListByVirtualMachine', () =>
    ok({ value: commandsOf(call, vmOf(call).id).map((record) => body(call, record, call.query.get('$expand') === 'instanceView')) }),
  )

export const getRunCommand = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('VirtualMachineRunCommands_GetByVirtualMachine', () => {
    const { id } = keyOf(call)
    const record = call.state.runCommands.get(id.toLowerCase())
    if (record === undefined) throw notFound(id)
    return ok(body(call, record, call.query.get('$expand') === 'instanceView'))
  })

export const deleteRunCommand = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('VirtualMachineRunCommands_Delete', () =>
    call.state.runCommands.delete(keyOf(call).id.toLowerCase()) ? begin(call, () => 'Succeeded') : { status: 204 },
  )

function body(call: ArmCall, record: RunCommandRecord, expanded: boolean): JsonObject {
  const { source, asyncExecution = false, timeoutInSeconds = 0 } = record.properties
  return {
    ...{ id: record.id, name: record.name, type: 'Microsoft.Compute/virtualMachines/runCommands', location: record.location, tags: record.tags },
    properties: {
      source: { script: textAt({ source: source ?? null }, 'source.script') ?? '' },
      ...{ asyncExecution, timeoutInSeconds, treatFailureAsDeploymentFailure: false, provisioningState: 'Succeeded' },
      ...(expanded ? { instanceView: viewOf(call, record) } : {}),
    },
  }
}

function viewOf({ dataCentre }: ArmCall, { run }: RunCommandRecord): JsonObject {
  const startTime = new Date(run.startedMs).toISOString()
  if (dataCentre.now() < run.endsMs) return { executionState: 'Running', executionMessage: '', output: '', error: '', startTime }
  const { exitCode, output, errorOutput } = run.ran
  return {
    executionState: run.timedOut ? 'TimedOut' : exitCode === 0 ? 'Succeeded' : 'Failed',
    executionMessage: run.timedOut
      ? 'Script execution timed out.'
      : exitCode === 0
        ? 'Execution completed.'
        : `Execution failed: exit status ${exitCode}.`,
    ...(run.timedOut ? {} : { exitCode }),
    ...{ output: output.slice(-outputMax), error: errorOutput.slice(-outputMax), startTime, endTime: new Date(run.endsMs).toISOString() },
  }
}
