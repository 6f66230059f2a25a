import { armSpecification } from '@understudy/cloud-sim'
import type { ArmExchange } from '@understudy/cloud-sim'
import type { JsonObject } from '@understudy/core'
import { captured, clone, describeOf } from '@understudy/provider/conformance'
import { request } from 'node:https'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { misfitsOf } from './testing/misfits.ts'
import { wireWorld } from './testing/wire-world.ts'

const exchanges: ArmExchange[] = []
let world: Awaited<ReturnType<typeof wireWorld>>
let token = ''

beforeAll(async () => {
  world = await wireWorld({ onExchange: (exchange) => void exchanges.push(exchange) })
  const { application } = world.server
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: application.clientId,
    client_secret: application.clientSecret,
    scope: 'https://management.azure.com/.default',
  })
  const answer = await send('POST', `/${application.tenant}/oauth2/v2.0/token`, form.toString(), 'application/x-www-form-urlencoded')
  token = (answer.body as { access_token: string }).access_token
  const primary = await world.makePrimary()
  await world.makeBinding('lb-weight', primary)
  await clone(world, await describeOf(world, primary))
  await captured(world, primary)
})
afterAll(() => world.close())

it('the simulated Azure refuses every body of the adapter with one thing wrong in it, says what, and makes nothing', async () => {
  const specification = armSpecification()
  const sent = exchanges.splice(0).filter(({ method, status }) => method !== 'GET' && status < 300)
  const seen = new Set<string>()
  const accepted: string[] = []
  const before = JSON.stringify(world.server.state.records())
  for (const { method, url, requestBody } of sent) {
    const operation = specification.find(method, url.pathname)
    if (operation?.body === undefined || requestBody === undefined) continue
    for (const { what, body } of misfitsOf(operation.body, requestBody as JsonObject, specification.definitions)) {
      // it was accepted as one
      if (seen.has(`${operation.name} ${what}`)) continue
      seen.add(`${operation.name} ${what}`)
      const answer = await send(method, `${url.pathname}${url.search}`, JSON.stringify(body))
      const { error } = answer.body as { error?: { code?: string; message?: string } } // ARM's shape, which is what is asked
      if (answer.status !== 400 || !/^Invalid(Parameter|RequestContent)$/.test(error?.code ?? ''))
        accepted.push(`${operation.name} ${what}: ${answer.status}`)
    }
  }
  expect(accepted).toEqual([])
  expect(seen.size).toBeGreaterThan(60)
  expect(JSON.stringify(world.server.state.records())).toBe(before)
})

async function send(
  method: string,
  path: string,
  text: string,
  type = 'application/json',
): Promise<{ readonly status: number; readonly body: unknown }> {
  return await new Promise((resolve, reject) => {
    const asked = request(
      `${world.server.url}${path}`,
      { method, ca: world.server.ca, headers: { 'content-type': type, ...(token === '' ? {} : { authorization: `Bearer ${token}` }) } },
      (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (chunk: string) => void (body += chunk))
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: body === '' ? undefined : JSON.parse(body) }))
      },
    )
    asked.on('error', reject).end(text)
  })
}
