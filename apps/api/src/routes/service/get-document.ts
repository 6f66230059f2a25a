import { getDocument as contract } from '@understudy/contract'
import { ok, route } from '../../http/route.ts'

export const getDocumentRoute = route(contract, async ({ request }) => ok({ ...request.server.swagger() }))
