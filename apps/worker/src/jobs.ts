import type { ReconcilerHost } from '@understudy/control'
import type { JobHandlers } from '@understudy/queue'
import type { Runner } from '@understudy/saga'

/** What each job of the catalogue wakes. None of them does any work itself. */
export const jobs = (runner: Runner, host: ReconcilerHost): JobHandlers => ({
  'operations.wake': () => {
    // Not awaited: a job that waited for the claim would be delivered again while the claim goes on.
    void runner.wake()
  },
  'reconcile.wake': ({ name }) => host.wake(name),
})
