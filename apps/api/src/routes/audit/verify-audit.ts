import { verifyAudit as contract } from '@understudy/contract'
import { verifyAudit } from '@understudy/control'
import { ok, route } from '../../http/route.ts'

export const verifyAuditRoute = route(contract, async ({ control, principal }) => ok(await verifyAudit(control, principal)))
