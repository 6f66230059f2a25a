import { sleep } from '@understudy/core'
import { ConnectionReset } from '../datacentre/sim-error.ts'
import { isObject } from './call.ts'
import { GoogleError, operationFailure } from './fault.ts'
import { authorise, testPermissions } from './permissions.ts'
import type { Project } from './project.ts'
import { hasMessages } from './pubsub-routes.ts'
import { routeFor } from './router.ts'

/** Google holds a wait for at most this long. */
const longestWaitMs = 120_000
const longestPullMs = 90_000
/** Changes that need room in a zone. Whether there is any turns out inside the operation. */
const needsRoom: ReadonlySet<string> = new Set(['instances.insert', 'instances.start', 'instances.resume'])

/** Answers one authenticated request. Throws `GoogleError`, `SimError` or `ConnectionReset`. */
export async function answer(project: Project, method: string, asked: URL, body: unknown, hasGone: () => boolean): Promise<object> {
  const permissions = testPermissions(project, method, asked.pathname, body)
  if (permissions !== undefined) return permissions
  const found = routeFor(method, asked.pathname)
  if (found === undefined) throw new GoogleError(404, 'notFound', `There is no ${method} ${asked.pathname}.`)
  if (!isObject(body)) throw new GoogleError(400, 'parseError', 'Invalid JSON payload received.')
  const { path, route } = found
  if (path['project'] !== project.id) throw new GoogleError(404, 'notFound', `The resource 'projects/${path['project'] ?? ''}' was not found`)
  authorise(project, route.operation)
  const zone = path['zone'] ?? ''
  if (zone !== '') project.needZone(zone)
  if (route.operation.endsWith('Operations.wait')) await waitFor(project, path['operation'] ?? '')
  if (route.operation === 'pubsub.pull' && body['returnImmediately'] !== true) await messageFor(project, path['subscription'] ?? '', hasGone)
  const call = { project, path, query: asked.searchParams, body, requestId: asked.searchParams.get('requestId') ?? undefined }
  try {
    return await project.dataCentre.invoke(route.operation, () => route.run(call))
  } catch (error) {
    const failure = needsRoom.has(route.operation) ? operationFailure(error, zone) : undefined
    if (failure === undefined) throw error
    const target = `instances/${path['instance'] ?? String(body['name'] ?? '')}`
    const type = route.operation.slice('instances.'.length)
    return project.operations.begin({ zone, type, target, targetId: '0' }, { requestId: call.requestId, failure })
  }
}

/** A pull is held until there is something to give, or for about as long as Google does. Whoever has gone is given nothing. */
async function messageFor(project: Project, subscription: string, hasGone: () => boolean): Promise<void> {
  const { clock } = project.dataCentre
  for (const endMs = clock.nowMs() + longestPullMs; clock.nowMs() < endMs && !hasMessages(project, subscription);) {
    await sleep(clock, 500)
    if (hasGone()) throw new ConnectionReset(false)
  }
}

async function waitFor({ operations, dataCentre: { clock } }: Project, name: string): Promise<void> {
  for (const endMs = clock.nowMs() + longestWaitMs; clock.nowMs() < endMs && !operations.isDone(name);) await sleep(clock, 500)
}
