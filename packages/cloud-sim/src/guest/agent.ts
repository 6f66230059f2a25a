import type { DataCentre } from '../datacentre/datacentre.ts'
import { runInGuest } from './shell.ts'
import type { Ran } from './shell.ts'

/** A script that a cloud's agent was handed. It takes effect at once, and what came of it shows when its time has passed. */
export interface AgentRun {
  readonly instanceId: string
  readonly startedMs: number
  readonly endsMs: number
  readonly timedOut: boolean
  readonly ran: Ran
}

/** Nothing answers in a guest that is not up, nor in one whose security groups let nothing out: an agent asks its cloud, not the other way round. */
export function isAgentThere(dataCentre: DataCentre, instanceId: string): boolean {
  const instance = dataCentre.instances.get(instanceId)
  if (instance?.answering !== true) return false
  const groups = dataCentre.network.describeSecurityGroups().items.filter(({ groupId }) => instance.securityGroupIds.includes(groupId))
  return groups.length === 0 || groups.some(({ egress }) => egress === undefined || egress.length > 0)
}

export function handToAgent(dataCentre: DataCentre, instanceId: string, script: string, timeoutSeconds: number): AgentRun {
  const ran = runInGuest(dataCentre, instanceId, script)
  const startedMs = dataCentre.now()
  const timedOut = ran.takesMs > timeoutSeconds * 1000
  return { instanceId, startedMs, endsMs: startedMs + Math.min(ran.takesMs, timeoutSeconds * 1000), timedOut, ran }
}
