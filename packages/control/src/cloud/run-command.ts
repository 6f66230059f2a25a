import type { CommandStatus, InstanceRef, Provider, Script } from '@understudy/provider'
import { providerError } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'
import { awaitCondition } from './await-operation.ts'
import type { StepCall } from './call-context.ts'

export type CommandEnd = Extract<CommandStatus, { readonly phase: 'ended' }>

/**
 * Has an instance run a script through the cloud's channel, and waits for its end; one key is one run, in whatever process. Throws `unsupported`
 * where the cloud has no such channel, `conflict` while no agent answers. The caller has written its audit row before: what the script is goes
 * there, what it says goes nowhere by itself.
 */
export async function runCommand(
  deps: Pick<SagaDeps, 'clock'>,
  provider: Provider,
  ref: InstanceRef,
  script: Script,
  context: StepCall,
): Promise<CommandEnd> {
  const { commands, traits } = provider
  if (commands === undefined)
    throw providerError(
      'unsupported',
      'NoCommandChannel',
      traits.commands.supported ? 'The adapter has no channel for commands.' : traits.commands.reason,
    )
  const ended = await awaitCondition(deps, context.signal, async () => {
    const status = await commands.run(ref, script, context)
    return status.phase === 'ended' ? status : undefined
  })
  await commands.forget(ref, context)
  return ended
}

/**
 * Waits until what a key has begun has ended, whoever began it, and lets go of it; begins nothing. Whoever undoes what a script does would
 * otherwise do so beside it.
 */
export async function endCommand(deps: Pick<SagaDeps, 'clock'>, provider: Provider, ref: InstanceRef, context: StepCall): Promise<void> {
  const { commands } = provider
  if (commands === undefined) return
  const { isBegun } = await awaitCondition(deps, context.signal, async () => {
    const status = await commands.look(ref, context)
    return status?.phase === 'running' ? undefined : { isBegun: status !== undefined }
  })
  if (isBegun) await commands.forget(ref, context)
}
