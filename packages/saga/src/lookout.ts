import { sleep } from '@understudy/core'
import type { Clock } from '@understudy/core'
import type { Outcome } from './ending.ts'
import type { Held } from './held.ts'
import { urgentPriorityMax } from './slots.ts'
import type { Slots } from './slots.ts'

export interface ClaimFilter {
  readonly priorityMax?: number
  readonly operationId?: string
}

export interface Lookout {
  wake(): Promise<void>
  /** The claim under way, if there is one. */
  looking(): Promise<void> | undefined
  /** Gives the operation's slot back, and lets urgent operations that wait or work go first: until there are none, for `asideMaxMs` at most. */
  stepAside(held: Held): Promise<void> | undefined
}

/** Once it had to wait, an operation waits until there was nothing urgent for so long: notices of a mass reclaim come in waves. */
const quietMs = 1_000
/** As long as the usual notice of a cloud: a steady flow of urgent operations must not keep the others waiting for ever. */
const asideMaxMs = 120_000
const lookEveryMs = 250
const admittedPerLook = 50

/** Finds work for the free slots: when the bell rings, when a slot comes free while more is waiting, and when a delay is over. */
export function createLookout(options: {
  readonly slots: Slots
  readonly clock: Clock
  readonly claim: (limit: number, only: ClaimFilter) => Promise<readonly Held[]>
  readonly start: (held: Held) => Promise<Outcome>
  readonly stopped: () => boolean
  readonly onError: (error: unknown) => void
}): Lookout {
  const { slots, clock, claim, start, stopped } = options
  let moreWaiting = false
  let looking: Promise<void> | undefined
  let lookAgain = false

  const slotOf = new WeakMap<Held, () => void>()
  const startInSlot = (held: Held): void => {
    const giveBack = slots.take(held.operation.priority)
    slotOf.set(held, giveBack)
    void start(held).then((outcome) => {
      giveBack()
      if (outcome.kind === 'released' && outcome.why !== 'drain') clock.schedule(outcome.notBeforeMs - clock.nowMs(), () => void wake())
      if (moreWaiting) void wake()
    })
  }

  /** Claims again while a claim comes back full: there may be more. */
  const look = async (): Promise<void> => {
    moreWaiting = false
    while (!stopped()) {
      const forAny = slots.freeForAny()
      const limit = forAny > 0 ? forAny : slots.freeForUrgent()
      if (limit <= 0) {
        moreWaiting = true
        return
      }
      const batch = await claim(limit, forAny > 0 ? {} : { priorityMax: urgentPriorityMax })
      for (const held of batch) startInSlot(held)
      if (batch.length < limit) {
        moreWaiting ||= forAny <= 0
        return
      }
    }
  }

  const lookUntilQuiet = async (): Promise<void> => {
    try {
      do {
        lookAgain = false
        await look()
      } while (lookAgain && !stopped())
    } catch (error) {
      options.onError(error)
    } finally {
      looking = undefined
    }
  }

  const isBusy = (): boolean => !stopped() && (moreWaiting || slots.takenByUrgent() > 0)
  const untilQuiet = createWaitingRoom({ clock, isBusy, stopped })
  const stepAside = (held: Held): Promise<void> | undefined => {
    slotOf.get(held)?.()
    if (moreWaiting) void wake()
    return isBusy() ? untilQuiet(held) : undefined
  }
  const wake = (): Promise<void> => {
    if (stopped()) return Promise.resolve()
    if (looking) lookAgain = true
    else looking = lookUntilQuiet()
    return looking
  }

  return { wake, looking: () => looking, stepAside }
}

/** Where operations stand aside until nothing urgent has been going on for a while. */
function createWaitingRoom({ clock, isBusy, stopped }: { readonly clock: Clock; readonly isBusy: () => boolean; readonly stopped: () => boolean }) {
  let admitted = 0
  /** Thousands may stand aside: they look at the same moments, with one timer. */
  let tick: Promise<void> | undefined
  const nextLook = (): Promise<void> =>
    (tick ??= sleep(clock, lookEveryMs).finally(() => {
      tick = undefined
      admitted = 0
    }))
  return async (held: Held): Promise<void> => {
    const untilMs = clock.nowMs() + asideMaxMs
    let quietSinceMs: number | undefined
    while (clock.nowMs() < untilMs && !stopped() && !held.lost.aborted && !held.cancelRequested) {
      await nextLook()
      if (isBusy()) quietSinceMs = undefined
      else quietSinceMs ??= clock.nowMs()
      // Not all at once: what is urgent next would have to wait behind them.
      if (quietSinceMs !== undefined && clock.nowMs() - quietSinceMs >= quietMs && admitted++ < admittedPerLook) return
    }
  }
}
