import type { GetCommandInvocationCommandOutput } from '@aws-sdk/client-ssm'
import { isProviderError, outputMaxCharacters, providerError, scriptMaxBytes } from '@understudy/provider'
import type { CallContext, Commands, CommandStatus, Script } from '@understudy/provider'
import type { Adapter } from './adapter.ts'

/** Systems Manager's own document; `AWS-RunPowerShellScript` is its counterpart on Windows. */
const documents = { linux: 'AWS-RunShellScript', windows: 'AWS-RunPowerShellScript' } as const
/** The least that it takes: how long it tries to reach the agent. */
const deliverySeconds = 30
const listed = 50

/**
 * Run Command of Systems Manager. The instance needs its agent, a way to its endpoints, and a role (or the account's default host management)
 * that lets it in. `SendCommand` has no client token: a comment made of the key finds what a lost answer has sent.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
 */
export function awsCommands(adapter: Adapter): Commands {
  return {
    async run({ nativeId }, script, context) {
      if (Buffer.byteLength(script.text) > scriptMaxBytes)
        throw providerError('invalid', 'ScriptTooLong', `A script has at most ${scriptMaxBytes} bytes.`)
      const commandId = (await sentBefore(adapter, nativeId, context)) ?? (await send(adapter, nativeId, script, context))
      return commandId === undefined ? { phase: 'running' } : standing(adapter, nativeId, commandId, context)
    },
    async look({ nativeId }, context) {
      const commandId = await sentBefore(adapter, nativeId, context)
      return commandId === undefined ? undefined : standing(adapter, nativeId, commandId, context)
    },
    async forget() {
      // It keeps commands for 30 days, whatever we do, and counts them nowhere.
    },
  }
}

const commentOf = ({ idempotencyKey }: CallContext): string => `understudy ${idempotencyKey}`

async function sentBefore({ calls }: Adapter, nativeId: string, context: CallContext): Promise<string | undefined> {
  const { Commands: found = [] } = await calls.listCommands({ InstanceId: nativeId, MaxResults: listed }, context.signal)
  return found.find(({ Comment }) => Comment === commentOf(context))?.CommandId
}

async function send(adapter: Adapter, nativeId: string, { text, timeoutSeconds }: Script, context: CallContext): Promise<string | undefined> {
  const instance = await adapter.instances.one(nativeId)
  const input = {
    DocumentName: instance?.Platform === 'Windows' ? documents.windows : documents.linux,
    InstanceIds: [nativeId],
    Comment: commentOf(context),
    TimeoutSeconds: deliverySeconds,
    Parameters: { commands: [text], executionTimeout: [String(timeoutSeconds)] },
  }
  try {
    const { Command } = await adapter.calls.sendCommand(input, context.signal)
    return Command?.CommandId
  } catch (error) {
    // Whether it was sent, the next look at the list says.
    if (isProviderError(error) && error.shape.ambiguous === true) return undefined
    throw error
  }
}

async function standing({ calls }: Adapter, nativeId: string, commandId: string, { signal }: CallContext): Promise<CommandStatus> {
  try {
    return statusOf(await calls.getCommandInvocation({ CommandId: commandId, InstanceId: nativeId }, signal))
  } catch (error) {
    // It is there a moment after the command.
    if (isProviderError(error) && error.shape.nativeCode === 'InvocationDoesNotExist') return { phase: 'running' }
    throw error
  }
}

const unfinished = new Set(['Pending', 'InProgress', 'Delayed', 'Cancelling'])

function statusOf(invocation: GetCommandInvocationCommandOutput): CommandStatus {
  const { Status = 'Pending', StatusDetails = Status, ResponseCode = -1, StandardOutputContent = '', StandardErrorContent = '' } = invocation
  if (unfinished.has(Status)) return { phase: 'running' }
  return {
    phase: 'ended',
    // A script that did not end by itself has no code of its own.
    ...(Status === 'Success' || (Status === 'Failed' && ResponseCode >= 0) ? { exitCode: ResponseCode } : {}),
    output: StandardOutputContent.slice(-outputMaxCharacters),
    errorOutput: StandardErrorContent.slice(-outputMaxCharacters),
    nativeState: StatusDetails,
  }
}
