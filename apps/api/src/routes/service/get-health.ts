import { getHealth as contract } from '@understudy/contract'
import { ok, route } from '../../http/route.ts'

export const getHealthRoute = route(contract, async () => ok({ status: 'ok' as const }))
