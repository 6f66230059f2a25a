import type { DataCentre } from '../datacentre/datacentre.ts'

/** Does it when the instance runs, or never: a target group takes running instances only. */
export function onceRunning(dataCentre: DataCentre, instanceId: string, act: () => void): void {
  if (dataCentre.instances.get(instanceId)?.state === 'running') {
    act()
    return
  }
  const unsubscribe = dataCentre.subscribe((event) => {
    if (event.kind !== 'instance_state' || event.instanceId !== instanceId || event.to === 'pending') return
    unsubscribe()
    if (event.to === 'running') act()
  })
}
