import type { Cloud } from '@understudy/cloud-sim'
import { createAccount, createApiKey } from '@understudy/control'
import type { Resource } from '@understudy/control'
import { vi } from 'vitest'
import type { ListeningApi } from './listening-api.ts'
import type { World } from './world.ts'

const patience = { timeout: 300_000, interval: 50 }

/** One request to a simulated cloud's controls. */
export async function askCloud(cloud: Cloud, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
  const reply = await cloud.control({ method, path, text: body === undefined ? '' : JSON.stringify(body) })
  if (reply.status >= 300) throw new Error(JSON.stringify(reply.body))
  return reply.body as Record<string, unknown> // as controls answer
}

/** A machine of this cloud, imported, with an agent where nobody else would say what is planned for it. */
export async function adoptFrom(cloud: Cloud, world: World, api: ListeningApi, name: string): Promise<Resource> {
  const { control, principal } = world
  const asked = (await askCloud(cloud, 'GET', '/account')) as unknown as Parameters<typeof createAccount>[2] // as it is meant to be posted
  const account = await createAccount(control, principal, asked)
  if (cloud.name === 'azure') {
    const { secret: apiKey } = await createApiKey(control, principal, { name: 'agents', role: 'operator' })
    await askCloud(cloud, 'POST', '/agents', { url: api.url, apiKey, accountId: account.id })
  }
  const { services } = (await askCloud(cloud, 'POST', '/seed', { name })) as { readonly services: readonly { readonly nativeId: string }[] } // as it answers
  const { nativeId } = services[0]!
  await vi.waitUntil(() => [...cloud.dataCentre.instances.all()].some(({ state, answering }) => state === 'running' && answering), patience)
  return world.imported({ accountId: account.id, nativeId, name })
}
