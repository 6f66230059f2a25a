import { ownTags } from '@understudy/core'
import type { CallContext } from '@understudy/provider'
import type { StepContext } from '@understudy/saga'
import type { SagaDeps } from '../context.ts'

export interface CallPurpose {
  /** Distinguishes several effects of one step. */
  readonly suffix?: string
  readonly role?: 'primary' | 'shadow' | 'former' | 'drill' | 'replacement' | 'restored'
  readonly resourceId: string
  readonly shadowId?: string
  readonly tags?: Readonly<Record<string, string>>
  readonly priority: CallContext['priority']
}

/** A call that a step makes: it ends when the step does. */
export type StepCall = CallContext & { readonly signal: AbortSignal }

/** The context of one effect: its key follows from what is stored, and its tags say whose it is. */
export function callContext(deps: Pick<SagaDeps, 'settings'>, step: StepContext<unknown, unknown>, purpose: CallPurpose): StepCall {
  return {
    idempotencyKey: step.key(purpose.suffix),
    tags: {
      [ownTags.managed]: 'true',
      [ownTags.installation]: deps.settings.installation,
      [ownTags.resource]: purpose.resourceId,
      ...(purpose.role === undefined ? {} : { [ownTags.role]: purpose.role }),
      ...(purpose.shadowId === undefined ? {} : { [ownTags.shadow]: purpose.shadowId }),
      ...purpose.tags,
    },
    actor: step.operationId,
    signal: step.signal,
    priority: purpose.priority,
  }
}
