import type { VirtualMachineRunCommand } from '@azure/arm-compute'
import { outputMaxCharacters, providerError, scriptMaxBytes } from '@understudy/provider'
import type { CallContext, Commands, CommandStatus, InstanceRef } from '@understudy/provider'
import { creationTags } from '@understudy/provider/adapter-kit'
import { abortOf, type Adapter, call, found, needVmId, waiting } from './adapter.ts'
import { nameOf } from './arm-id.ts'
import { traced } from './trace.ts'

/**
 * Managed run commands: things of a VM, so that a key's is found by its name, and that say the exit code, which the older action
 * `runCommand` does not. A VM holds 25 of them. The agent needs a way to Azure's public addresses to say what came of it.
 * https://learn.microsoft.com/azure/virtual-machines/linux/run-command-managed
 */
export function azureCommands(adapter: Adapter): Commands {
  const { compute } = adapter.clients
  const known = async (ref: InstanceRef, context: CallContext): Promise<VirtualMachineRunCommand | undefined> => {
    const { group, name } = needVmId(adapter, ref.nativeId)
    return found(() => compute.virtualMachineRunCommands.getByVirtualMachine(group, name, nameOf(context.idempotencyKey), { expand: 'instanceView' }))
  }
  return {
    run: (ref, { text, timeoutSeconds }, context) =>
      traced(context, async () => {
        if (Buffer.byteLength(text) > scriptMaxBytes) throw providerError('invalid', 'ScriptTooLong', `A script has at most ${scriptMaxBytes} bytes.`)
        const before = await known(ref, context)
        if (before !== undefined) return statusOf(before)
        const { group, name } = needVmId(adapter, ref.nativeId)
        const command = nameOf(context.idempotencyKey)
        const definition: VirtualMachineRunCommand = {
          location: adapter.scope.region,
          tags: { ...creationTags(context, adapter.installation) },
          source: { script: text },
          // Accepted when the script has begun: what came of it is asked for.
          ...{ asyncExecution: true, treatFailureAsDeploymentFailure: false, timeoutInSeconds: timeoutSeconds },
        }
        await call(async () => {
          await compute.virtualMachineRunCommands.createOrUpdate(group, name, command, definition, abortOf(context.signal)).submitted()
        })
        return { phase: 'running' }
      }),
    look: (ref, context) =>
      traced(context, async () => {
        const command = await known(ref, context)
        if (command === undefined) return undefined
        const status = statusOf(command)
        return status.phase === 'running' && isOver(command, adapter.clock.nowMs()) ? { ...nothingSaid, nativeState: 'Silent' } : status
      }),
    forget: (ref, context) =>
      traced(context, async () => {
        const { group, name } = needVmId(adapter, ref.nativeId)
        await found(async () =>
          compute.virtualMachineRunCommands.delete(group, name, nameOf(context.idempotencyKey), waiting(adapter, context.signal)),
        )
      }),
  }
}

/** Also one that has said nothing of its end long after its time was up. */
export function isOver(command: VirtualMachineRunCommand, nowMs: number): boolean {
  const { instanceView, timeoutInSeconds } = command
  const endsMs = new Date(instanceView?.startTime ?? Number.NaN).getTime() + (timeoutInSeconds ?? 3600) * 1000
  return statusOf(command).phase === 'ended' || endsMs + silentMs < nowMs
}
const silentMs = 600_000
const nothingSaid = { phase: 'ended', output: '', errorOutput: '' } as const

function statusOf({ instanceView, provisioningState }: VirtualMachineRunCommand): CommandStatus {
  const { executionState = 'Unknown', exitCode, output = '', error = '', executionMessage } = instanceView ?? {}
  const ended = ['Succeeded', 'Failed', 'TimedOut', 'Canceled'].includes(executionState)
  if (!ended && provisioningState !== 'Failed') return { phase: 'running' }
  const byItself = exitCode !== undefined && (executionState === 'Succeeded' || executionState === 'Failed')
  return {
    phase: 'ended',
    ...(byItself ? { exitCode } : {}),
    output: output.slice(-outputMaxCharacters),
    errorOutput: (error === '' && !byItself ? (executionMessage ?? '') : error).slice(-outputMaxCharacters),
    nativeState: ended ? executionState : 'Failed',
  }
}
