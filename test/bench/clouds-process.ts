import { type Cloud, type DataCentre, startAzureCloud, startGoogleCloud } from '@understudy/cloud-sim'
import { type CloudMoments, type CloudRequest, type MeasuredCloud, monotonicMs } from './protocol.ts'

/*
 * A process of its own with the simulated Azure and Google Cloud, their load balancers and machines. It passes on what the bench asks of
 * their controls, and tells it when the traffic of a service has changed hands and when a probe has found who takes over.
 */

const onInternalError = (error: unknown): void =>
  void process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
const clouds: Readonly<Record<MeasuredCloud, Cloud>> = {
  azure: await startAzureCloud({ onInternalError }),
  gcp: await startGoogleCloud({ onInternalError }),
}
for (const [name, { dataCentre }] of Object.entries(clouds)) watch(name as MeasuredCloud, dataCentre) // the keys of `clouds`
process.on('message', ({ id, cloud, method, path, body }: { readonly id: number } & CloudRequest) => {
  void clouds[cloud]
    .control({ method, path, text: body === undefined ? '' : JSON.stringify(body) })
    .then((reply) => process.send?.({ id, ...(reply.status < 300 ? { result: reply.body } : { error: JSON.stringify(reply.body) }) }))
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })

function watch(cloud: MeasuredCloud, dataCentre: DataCentre): void {
  const tell = (moment: CloudMoments['moment']): void => void process.send?.({ cloud, moment, atMs: monotonicMs() } satisfies CloudMoments)
  dataCentre.subscribe((event) => {
    if (event.kind === 'listener_changed' && !event.deleted) tell('listener')
    if (event.kind !== 'target_health') return
    if (event.to === 'draining') tell('leaving')
    if (event.to === 'initial') tell('joined')
    if (event.to === 'healthy') tell('healthy')
  })
}
