import { contentHash } from '@understudy/core'
import type { InstanceRef, Provider, Script } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import type { StepCall } from '../cloud/call-context.ts'
import { runCommand } from '../cloud/run-command.ts'
import type { CommandEnd } from '../cloud/run-command.ts'
import type { SagaDeps } from '../context.ts'

/** How scripts get into an instance; or why none does. */
export type GuestChannel = { readonly run: (name: string, script: Script) => Promise<CommandEnd> } | { readonly closed: string }

/** The cloud's own. Before a check is run for the first time it has its row: which script, by its hash, and never what it says. */
export function cloudChannel(
  deps: SagaDeps,
  step: StepContext<unknown, object>,
  { provider, ref }: { readonly provider: Provider; readonly ref: InstanceRef },
  contextOf: (suffix: string) => StepCall,
): GuestChannel {
  const { commands, traits } = provider
  if (commands === undefined) return { closed: traits.commands.supported ? 'The adapter has no channel for commands.' : traits.commands.reason }
  return {
    async run(name, script) {
      // Asked anew each time: what an instance answered before is not what it answers now.
      const suffix = `command:${contentHash([name, script.text, deps.clock.nowMs()])}`
      await step.audit({ action: 'commands.run', target: `${ref.nativeId} ${name}`, details: { check: name, script: contentHash(script.text) } })
      return runCommand(deps, provider, ref, script, contextOf(suffix))
    },
  }
}
