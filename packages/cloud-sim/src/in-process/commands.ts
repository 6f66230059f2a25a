import { outputMaxCharacters, providerError, scriptMaxBytes } from '@understudy/provider'
import type { Commands, CommandStatus } from '@understudy/provider'
import { handToAgent, isAgentThere } from '../guest/agent.ts'
import type { AgentRun } from '../guest/agent.ts'
import type { DataCentre } from '../datacentre/datacentre.ts'
import type { SimAdapter } from './adapter.ts'

/** What the cloud remembers, whoever asks. */
const runs = new WeakMap<DataCentre, Map<string, AgentRun>>()

/** The channel for commands, as Systems Manager has it. */
export function simCommands(adapter: SimAdapter): Commands {
  const { dc } = adapter
  const known = runs.get(dc) ?? new Map<string, AgentRun>()
  runs.set(dc, known)
  return {
    async run({ nativeId }, { text, timeoutSeconds }, { idempotencyKey, signal }) {
      if (Buffer.byteLength(text) > scriptMaxBytes) throw providerError('invalid', 'ScriptTooLong', `A script has at most ${scriptMaxBytes} bytes.`)
      const send = (): AgentRun => {
        const before = known.get(`${nativeId} ${idempotencyKey}`)
        if (before !== undefined) return before
        if (!isAgentThere(dc, nativeId)) throw providerError('conflict', 'InvalidInstanceId', `No agent of ${nativeId} answers.`)
        const sent = handToAgent(dc, nativeId, text, timeoutSeconds)
        known.set(`${nativeId} ${idempotencyKey}`, sent)
        return sent
      }
      return statusOf(dc, await adapter.call('SendCommand', send, { effect: 'repeatable' }, signal))
    },
    async look({ nativeId }, { idempotencyKey, signal }) {
      const sent = await adapter.call('ListCommands', () => known.get(`${nativeId} ${idempotencyKey}`), { effect: 'read' }, signal)
      return sent === undefined ? undefined : statusOf(dc, sent)
    },
    async forget() {
      // It keeps them for weeks, and counts them nowhere.
    },
  }
}

function statusOf(dc: DataCentre, { endsMs, timedOut, ran }: AgentRun): CommandStatus {
  if (dc.now() < endsMs) return { phase: 'running' }
  const said = { output: ran.output.slice(-outputMaxCharacters), errorOutput: ran.errorOutput.slice(-outputMaxCharacters) }
  if (timedOut) return { phase: 'ended', ...said, nativeState: 'TimedOut' }
  return { phase: 'ended', exitCode: ran.exitCode, ...said, nativeState: ran.exitCode === 0 ? 'Success' : 'Failed' }
}
