import { getReadiness as contract } from '@understudy/contract'
import { route } from '../../http/route.ts'

export const getReadinessRoute = route(contract, async ({ deps }) => {
  const checks = await deps.health.check()
  const ready = Object.values(checks).every(({ ok }) => ok)
  return { status: ready ? 200 : 503, body: { status: ready ? ('ready' as const) : ('not-ready' as const), checks } }
})
