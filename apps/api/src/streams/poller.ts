import type { Clock } from '@understudy/core'

/** Calls `poll` again and again, never twice at once, until stopped. A failure is reported and the next turn tries again. */
export function poller(
  clock: Clock,
  options: { readonly everyMs: number; readonly poll: () => Promise<void>; readonly onError: (error: unknown) => void },
): {
  stop(): void
} {
  let stopped = false
  let cancel = (): void => {}
  const turn = async (): Promise<void> => {
    try {
      await options.poll()
    } catch (error) {
      options.onError(error)
    }
    if (!stopped) cancel = clock.schedule(options.everyMs, () => void turn())
  }
  void turn()
  return {
    stop() {
      stopped = true
      cancel()
    },
  }
}
