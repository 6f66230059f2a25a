import type { JsonObject } from '@understudy/core'
import type { Instance } from '../datacentre/types.ts'

/** Azure tells about 35 days ahead of what reboots a machine, and until it begins its owner may have it done at once. */
const tellsAheadMs = 35 * 86_400_000
const windowMs = 4 * 3_600_000

/** What reboots alone; what freezes a machine, and what moves it off failing hardware, is told to its guest only. */
export function plannedMaintenance({ scheduledEvents }: Instance): JsonObject {
  const reboots = scheduledEvents.filter(({ code, state }) => ['instance-reboot', 'system-reboot'].includes(code) && state !== 'canceled')
  const event = reboots.find(({ state }) => state === 'active') ?? reboots.at(-1)
  if (event === undefined) return {}
  const { notBeforeMs, notAfterMs = notBeforeMs + windowMs, startedAtMs, state } = event
  const time = (ms: number): string => new Date(ms).toISOString()
  return {
    maintenanceRedeployStatus: {
      isCustomerInitiatedMaintenanceAllowed: startedAtMs === undefined,
      preMaintenanceWindowStartTime: time(notBeforeMs - tellsAheadMs),
      preMaintenanceWindowEndTime: time(notBeforeMs),
      maintenanceWindowStartTime: time(notBeforeMs),
      maintenanceWindowEndTime: time(notAfterMs),
      lastOperationResultCode: state === 'completed' ? 'MaintenanceCompleted' : 'None',
    },
  }
}
