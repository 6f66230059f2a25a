import { AppError, contentHash } from '@understudy/core'
import { isProviderError } from '@understudy/provider'
import type { Script } from '@understudy/provider'
import { awaitCondition } from '../../cloud/await-operation.ts'
import { endCommand, runCommand } from '../../cloud/run-command.ts'
import type { SagaDeps } from '../../context.ts'
import { recordChange } from '../../journal/record-change.ts'
import { systemActor } from '../../access/access.ts'
import type { StepContext } from '@understudy/saga'
import { approvedPlan } from '../rollback-steps.ts'
import type { Verified } from '../rollback-steps.ts'
import { rollbackContext, rollbackWorld } from '../rollback.world.ts'
import type { RestorePathsParams } from './restore-paths.params.ts'
import * as scripts from './scripts.ts'

type Step = StepContext<RestorePathsParams, object>
export type AgreedPaths = { readonly set: string }

/** A guest in which nobody answers is found out before anything is made that only a script could take away again. */
export async function passGate(deps: SagaDeps, step: Step): Promise<AgreedPaths> {
  const { set } = await approvedPlan(deps, step)
  const { provider, primary } = await rollbackWorld(deps, step)
  await step.audit({ action: 'commands.run', target: primary.nativeId, details: { what: 'ask', script: contentHash('true') } })
  try {
    await runCommand(deps, provider, primary, { text: 'true', timeoutSeconds: 60 }, contextOf(deps, step, 'ask'))
  } catch (error) {
    if (!isProviderError(error, 'conflict')) throw error
    throw new AppError('conflict', 'No agent answers in the instance: nothing can be copied there.', { cause: error })
  }
  return { set }
}
export const leaveGate = (deps: SagaDeps, step: Step): Promise<void> => end(deps, step, 'ask')

const timeoutSeconds = 1800
/** What is run in the guest: each has a key of its own in its step. */
type What = 'ask' | 'mount' | 'look' | 'put aside' | 'copy' | 'compare' | 'unmount' | 'drop what was put aside' | 'put back'
const contextOf = (deps: SagaDeps, step: Step, what: What) => rollbackContext(deps, step, `script:${what}`)

/** A step is undone when what a dead process began has come to its end. */
async function end(deps: SagaDeps, step: Step, ...begun: readonly What[]): Promise<void> {
  const { provider, primary } = await rollbackWorld(deps, step)
  for (const what of begun) await endCommand(deps, provider, primary, contextOf(deps, step, what))
}

/** Which script, by its hash, has its row before it is run. What it says stays with the cloud. */
async function run(
  deps: SagaDeps,
  step: Step,
  what: What,
  text: string,
): Promise<{ readonly exitCode: number | undefined; readonly output: string }> {
  const { provider, primary } = await rollbackWorld(deps, step)
  const script: Script = { text, timeoutSeconds }
  await step.audit({ action: 'commands.run', target: primary.nativeId, details: { what, script: contentHash(text) } })
  const context = contextOf(deps, step, what)
  const { exitCode, output } = await awaitCondition(deps, step.signal, async () => {
    try {
      return await runCommand(deps, provider, primary, script, context)
    } catch (error) {
      // The agent has not come up yet.
      if (isProviderError(error, 'conflict')) return undefined
      throw error
    }
  })
  return { exitCode, output }
}

async function mustRun(deps: SagaDeps, step: Step, what: What, text: string): Promise<string> {
  const { exitCode, output } = await run(deps, step, what, text)
  if (exitCode === 0) return output
  throw new AppError(
    'provider_rejected',
    `In the guest this has failed: ${what} (${exitCode === undefined ? 'it did not end' : `exit code ${exitCode}`}).`,
    {
      details: { remedy: 'What the script said is with the cloud, in the record of its command.' },
    },
  )
}

const places = (step: Step) => scripts.placesOf(step.params.restoredDiskId)

export async function mount(deps: SagaDeps, step: Step, devices: readonly string[]): Promise<{ readonly mounted: true }> {
  await mustRun(deps, step, 'mount', scripts.mountScript(devices, places(step).mount))
  return { mounted: true }
}
export async function unmount(deps: SagaDeps, step: Step): Promise<void> {
  await mustRun(deps, step, 'unmount', scripts.unmountScript(places(step).mount))
}

export async function undoMount(deps: SagaDeps, step: Step): Promise<void> {
  await end(deps, step, 'mount')
  await unmount(deps, step)
}

export async function putAside(deps: SagaDeps, step: Step): Promise<scripts.Seen> {
  const { paths } = step.params
  const seen = scripts.readLook(await mustRun(deps, step, 'look', scripts.lookScript(paths, places(step).mount)))
  const missing = paths.paths.filter((_, index) => !seen.kept.includes(index))
  if (missing.length > 0) throw new AppError('conflict', `The disk of the point has no ${missing.join(', ')}.`)
  await mustRun(deps, step, 'put aside', scripts.asideScript(paths, seen, places(step).aside))
  return seen
}
export async function dropAside(deps: SagaDeps, step: Step): Promise<void> {
  await mustRun(deps, step, 'drop what was put aside', scripts.dropAsideScript(places(step).aside))
}
export async function undoPutAside(deps: SagaDeps, step: Step): Promise<void> {
  await end(deps, step, 'look', 'put aside')
  await dropAside(deps, step)
}

export async function copy(deps: SagaDeps, step: Step): Promise<{ readonly copied: number }> {
  await mustRun(deps, step, 'copy', scripts.copyScript(step.params.paths, places(step).mount))
  return { copied: step.params.paths.paths.length }
}
export async function putBack(deps: SagaDeps, step: Step, seen: scripts.Seen): Promise<void> {
  await end(deps, step, 'copy')
  await mustRun(deps, step, 'put back', scripts.putBackScript(step.params.paths, seen, places(step).aside))
}

export async function compare(deps: SagaDeps, step: Step): Promise<void> {
  const { exitCode } = await run(deps, step, 'compare', scripts.compareScript(step.params.paths, places(step).mount))
  if (exitCode === 0) return
  throw new AppError('verification_failed', 'What was copied back is not what the point has.', {
    details: { remedy: 'The files of before are put back. Something in the guest writes there: stop it, and repeat.' },
  })
}
export const leaveCompared = (deps: SagaDeps, step: Step): Promise<void> => end(deps, step, 'compare')

export async function record(deps: SagaDeps, step: Step, { passed, checks }: Verified): Promise<{ readonly recorded: true }> {
  const { resource } = await rollbackWorld(deps, step)
  const { pointId, safetyPointId, paths } = step.params
  await deps.database.transaction((stores) =>
    recordChange(deps, stores, {
      projectId: resource.projectId,
      actor: systemActor('recovery.rollback'),
      what: 'recovery_points.rolled_back',
      subject: `recovery-points/${pointId}`,
      operationId: step.operationId,
      data: {
        resourceId: resource.id,
        safetyPointId,
        verified: passed,
        checks: checks.map(({ check, outcome }) => ({ check, outcome })),
        devices: [],
        paths: { device: paths.device, count: paths.paths.length },
      },
      deduplicationKey: `${step.operationId}:rolled_back`,
    }),
  )
  return { recorded: true }
}
