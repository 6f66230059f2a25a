import { listReconcilers as contract } from '@understudy/contract'
import { ok, route } from '../../http/route.ts'
import { reconcilerView } from '../../views/reconciler.ts'

export const listReconcilersRoute = route(contract, async ({ control }) =>
  ok({ items: (await control.database.stores.reconcilers.list()).map((run) => reconcilerView(run)) }),
)
