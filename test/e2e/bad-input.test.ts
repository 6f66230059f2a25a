import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ask, expectNoInsides, expectProblem } from './helpers/http.ts'
import type { Answer, Ask } from './helpers/http.ts'
import { startInstallation } from './helpers/installation.ts'
import type { RunningInstallation } from './helpers/installation.ts'

const realKey = { accessKeyId: 'AKIASIMULATED0000001', secretAccessKey: 'simulated/secret/key/that/opens/no/real/door' }
const unknownId = '00000000000000000000'

let installation: RunningInstallation
/** Takes connections and never says anything: what a firewall or a wrong port often does. */
const silent: Server = createServer()
let silentVerification: string

beforeAll(async () => {
  installation = await startInstallation()
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
  // It takes its three attempts of ten seconds while the other tests run.
  silentVerification = await verify(await account('silent', { endpoint: `http://127.0.0.1:${(silent.address() as AddressInfo).port}` }))
}, 300_000)
afterAll(async () => {
  silent.close()
  await installation.stop()
}, 180_000)

const send = (method: string, path: string, options: Ask = {}): Promise<Answer> =>
  ask(method, `${installation.apiUrl}${path}`, { key: installation.adminKey, ...options })

const anAccount = (over: object = {}): Record<string, unknown> => ({
  name: 'an account',
  provider: 'aws',
  region: 'sim-east-1',
  settings: { endpoint: installation.simUrl },
  credentials: realKey,
  ...over,
})

async function account(name: string, settings: object, credentials: object = realKey): Promise<string> {
  const made = await send('POST', '/v1/accounts', { body: anAccount({ name, settings, credentials }) })
  expect(made.status, made.text).toBe(201)
  return made.json.id as string
}

async function started(answer: Promise<Answer>): Promise<string> {
  const { status, text, json } = await answer
  expect(status, text).toBe(202)
  return json.id as string
}
const verify = (accountId: string): Promise<string> => started(send('POST', `/v1/accounts/${accountId}:verify`))
const importFrom = (accountId: string, nativeId = 'i-0123456789abcdef0'): Promise<string> =>
  started(send('POST', '/v1/resources:import', { body: { accountId, nativeId } }))

/** The operation has to end by itself, as failed, with a cause and a remedy for people. */
async function failureOf(operationId: string, withinMs = 120_000): Promise<{ code: string; message: string; remedy: string }> {
  const operation = await vi.waitFor(
    async () => {
      const { json } = await send('GET', `/v1/operations/${operationId}`)
      expect(json.done).toBe(true)
      return json
    },
    { timeout: withinMs, interval: 250 },
  )
  expectNoInsides(JSON.stringify(operation))
  expect(operation.status, JSON.stringify(operation)).toBe('failed')
  expect(operation.timeline.at(-1)).toMatchObject({ type: 'step_failed', error: { code: operation.error.code } })
  expect(operation.error.remedy.length).toBeGreaterThan(20)
  return operation.error
}

describe('a body', () => {
  it.each(['{"name": ', 'name=web', '{"a":1,}', ''])('that is not JSON: %j', async (body) => {
    const code = body === '' ? 'invalid_request' : 'malformed_json'
    expectProblem(await send('POST', '/v1/accounts', { body }), 400, code)
  })

  it('with a field that does not exist is refused by the name of the field', async () => {
    expectProblem(await send('POST', '/v1/accounts', { body: anAccount({ nmae: 'typo' }) }), 400, 'invalid_request', '/nmae')
    const settings = { endpoint: installation.simUrl, endpont: 'typo' }
    expectProblem(await send('POST', '/v1/accounts', { body: anAccount({ settings }) }), 400, 'invalid_request', '/settings/endpont')
  })

  it('with wrong types is refused for all of them at once', async () => {
    const body = { name: 5, provider: ['aws'], region: null, settings: [], credentials: 'secret' }
    expectProblem(
      await send('POST', '/v1/accounts', { body }),
      400,
      'invalid_request',
      ...['/name', '/provider', '/region', '/settings', '/credentials'],
    )
  })

  it('that names a cloud or an endpoint which cannot be is refused before anything is stored', async () => {
    expectProblem(await send('POST', '/v1/accounts', { body: anAccount({ provider: 'acme' }) }), 400, 'invalid_request', '/provider')
    for (const endpoint of ['ftp://127.0.0.1', 'http://169.254.169.254/latest', 'http://user:pw@127.0.0.1', 'not a url']) {
      const answer = await send('POST', '/v1/accounts', { body: anAccount({ settings: { endpoint } }) })
      expectProblem(answer, 400, 'invalid_request', '/settings/endpoint')
    }
  })

  it('that is too large is refused, with and without its length said before', async () => {
    const body = JSON.stringify({ name: 'x'.repeat(1_100_000) })
    expectProblem(await send('POST', '/v1/accounts', { body }), 413, 'payload_too_large')
    const piecewise = new Blob([body]).stream()
    const response = await fetch(`${installation.apiUrl}/v1/accounts`, {
      method: 'POST',
      headers: { authorization: `Bearer ${installation.adminKey}`, 'content-type': 'application/json', 'idempotency-key': 'piecewise' },
      body: piecewise,
      duplex: 'half',
    } as RequestInit)
    expect(response.status).toBe(413)
    expect(await response.text()).toContain('payload_too_large')
  })

  it('that is refused before it has been read is still answered, to a client that first sends all of it', async () => {
    const big = 'x'.repeat(8_000_000)
    const post = (headers: Record<string, string>): Promise<string> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = new URL(installation.apiUrl)
        const socket = connect({ host: hostname, port: Number(port) })
        const lines = ['POST /v1/accounts HTTP/1.1', 'host: x', 'content-type: application/json', `content-length: ${big.length}`]
        const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
        let answer = ''
        socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
        socket.on('error', reject)
        socket.on('end', () => resolve(answer))
        socket.write([...lines, 'connection: close', ...more, '', ''].join('\r\n'))
        socket.write(big)
      })
    expect(await post({ authorization: `Bearer ${installation.adminKey}`, 'idempotency-key': 'big' })).toContain('payload_too_large')
    expect(await post({})).toContain('unauthenticated')
  })
})

describe('a connection', () => {
  const saying = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(installation.apiUrl)
      const socket = connect(Number(port), hostname, () => socket.write(text))
      let heard = ''
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()))
      socket.once('error', reject)
      socket.once('close', () => resolve(heard))
    })

  it.each([
    ['that speaks no HTTP', 'hello?\r\n\r\n'],
    ['with headers beyond all measure', `GET /v1/accounts HTTP/1.1\r\nhost: x\r\nx-junk: ${'x'.repeat(20_000)}\r\n\r\n`],
    ['with two lengths', 'POST /v1/accounts HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello'],
  ])('%s is told so, and closed', async (_which, text) => {
    const heard = await saying(text)
    expect(heard).toMatch(/^HTTP\/1\.1 400 /)
    expect(heard).toContain('application/problem+json')
    expectNoInsides(heard)
  })
})

describe('a key', () => {
  it.each([
    ['that is missing', undefined],
    ['that is unknown', 'usk_000000000000000000000000000000000000000000'],
    ['that is nonsense', 'nonsense'],
  ])('%s opens nothing', async (_which, key) => {
    const answer = await ask('GET', `${installation.apiUrl}/v1/accounts`, key === undefined ? {} : { key })
    expectProblem(answer, 401, 'unauthenticated')
    expect(answer.json.detail).toContain('Authorization: Bearer')
  })

  it('of a viewer reads and changes nothing; one that is revoked reads no more', async () => {
    const made = await send('POST', '/v1/api-keys', { body: { name: 'looks', role: 'viewer' } })
    const { key, secret } = made.json as { readonly key: { readonly id: string }; readonly secret: string }
    expect((await send('GET', '/v1/accounts', { key: secret })).status).toBe(200)
    expectProblem(await send('POST', '/v1/accounts', { key: secret, body: anAccount() }), 403, 'forbidden')
    expect((await send('DELETE', `/v1/api-keys/${key.id}`)).status).toBe(204)
    expectProblem(await send('GET', '/v1/accounts', { key: secret }), 401, 'unauthenticated')
  })

  it('of another tenant is told that there is no such thing, in the words for something that never was', async () => {
    const project = await send('POST', '/v1/projects', { body: { name: 'others' } })
    const made = await send('POST', '/v1/api-keys', { body: { name: 'other', role: 'admin', projectId: project.json.id } })
    const theirs = made.json.secret as string
    const ours = await account('ours', { endpoint: installation.simUrl })
    const operation = await verify(ours)
    const answers = async (accountId: string, operationId: string): Promise<Answer[]> => [
      await send('GET', `/v1/accounts/${accountId}`, { key: theirs }),
      await send('POST', `/v1/accounts/${accountId}:verify`, { key: theirs }),
      await send('POST', `/v1/accounts/${accountId}:rotateIngestKey`, { key: theirs }),
      await send('DELETE', `/v1/accounts/${accountId}`, { key: theirs, headers: { 'if-match': '"1"' } }),
      await send('POST', '/v1/resources:import', { key: theirs, body: { accountId, nativeId: 'i-0123456789abcdef0' } }),
      await send('GET', `/v1/operations/${operationId}`, { key: theirs }),
      await send('GET', `/v1/operations/${operationId}/events`, { key: theirs }),
    ]
    const [known, unknown] = [await answers(ours, operation), await answers(`acc_${unknownId}`, `op_${unknownId}`)]
    for (const answer of known) expectProblem(answer, 404, 'not_found')
    expect(known.map(({ json }) => json.detail)).toEqual(unknown.map(({ json }) => json.detail))
    expect((await send('GET', '/v1/accounts', { key: theirs })).json.items).toEqual([])
    expect((await send('GET', `/v1/audit?operationId=${operation}`, { key: theirs })).json.items).toEqual([])
  })
})

describe('what a cloud pushes', () => {
  let accountId: string
  let key: string
  beforeAll(async () => {
    accountId = await account('pushing', { endpoint: installation.simUrl })
    key = (await send('POST', `/v1/accounts/${accountId}:rotateIngestKey`)).json.secret as string
  })
  const push = (body: unknown, ingestKey = key): Promise<Answer> =>
    ask('POST', `${installation.apiUrl}/v1/ingest/aws/${accountId}`, { body, headers: { 'x-understudy-ingest-key': ingestKey } })
  const warning = (over: object = {}): object => ({
    version: '0',
    id: 'd7c1d2a4-7d2b-4b0f-9e1c-3d0f0a2b1c3d',
    'detail-type': 'EC2 Spot Instance Interruption Warning',
    source: 'aws.ec2',
    account: '123456789012',
    time: new Date().toISOString(),
    region: 'sim-east-1',
    resources: ['arn:aws:ec2:sim-east-1a:instance/i-00000000000000bad'],
    detail: { 'instance-id': 'i-00000000000000bad', 'instance-action': 'terminate' },
    ...over,
  })

  it('needs the ingest key of the account; a key of the API is none', async () => {
    for (const wrong of ['', 'nonsense', installation.adminKey]) expectProblem(await push(warning(), wrong), 401, 'unauthenticated')
    expectProblem(await send('GET', '/v1/accounts', { key }), 401, 'unauthenticated')
  })

  it('and is of an unknown type, or malformed, is taken and named, so that the cloud does not repeat it for ever', async () => {
    const cases: readonly (readonly [unknown, RegExp])[] = [
      [warning({ 'detail-type': 'EC2 Instance Dreams Report' }), /EC2 Instance Dreams Report/],
      [warning({ source: 'aws.s3' }), /aws\.s3/],
      [{}, /neither an EventBridge event/],
      [warning({ detail: 'gone' }), /detail is not an object/],
      [warning({ detail: { 'instance-id': 'i-00000000000000bad', 'instance-action': 'explode' } }), /instance-action/],
      [warning({ time: 'yesterday' }), /time is not/],
    ]
    for (const [document, reason] of cases) {
      const { status, json, text } = await push(document)
      expect(status, text).toBe(202)
      expect(json).toMatchObject({ signals: [], ignored: [{ index: 0, reason: expect.stringMatching(reason) as unknown }] })
      expectNoInsides(text)
    }
  })

  it('about an instance that is not ours is kept, and starts nothing', async () => {
    const { status, json } = await push(warning())
    expect({ status, json }).toMatchObject({ status: 202, json: { signals: [{ outcome: 'unmatched', nativeId: 'i-00000000000000bad' }] } })
    expect(json.signals[0]).not.toHaveProperty('operationId')
  })

  it('that is no JSON, nothing at all, or too much is refused', async () => {
    expectProblem(await push('{'), 400, 'malformed_json')
    expectProblem(await push(''), 400, 'invalid_request')
    expectProblem(await push(JSON.stringify({ junk: 'x'.repeat(300_000) })), 413, 'payload_too_large')
  })
})

describe('a cloud account', () => {
  it('whose endpoint is a closed port fails visibly, and keeps what was found', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    const accountId = await account('closed', { endpoint: `http://127.0.0.1:${port}` })
    for (const operation of [await verify(accountId), await importFrom(accountId)]) {
      const { code, message, remedy } = await failureOf(operation)
      expect(code).toBe('provider_unavailable')
      expect(message).toContain(`ECONNREFUSED 127.0.0.1:${port}`)
      expect(remedy).toContain('endpoint')
    }
    const { json } = await send('GET', `/v1/accounts/${accountId}`)
    expect(json).toMatchObject({ status: 'failing', verification: { errorCode: 'provider_unavailable' } })
    expect(JSON.stringify(json)).not.toContain(realKey.secretAccessKey)
  })

  it.each([
    ['an unknown access key', { accessKeyId: 'AKIANOBODY0000000001', secretAccessKey: 'whatever' }],
    ['a wrong secret', { accessKeyId: realKey.accessKeyId, secretAccessKey: 'wrong/secret/that/must/not/appear' }],
  ])('with %s fails as unauthorized, and says which part to correct', async (_which, credentials) => {
    const accountId = await account('wrong credentials', { endpoint: installation.simUrl }, credentials)
    const { code, message, remedy } = await failureOf(await verify(accountId))
    expect(code).toBe('provider_unauthorized')
    expect(message).not.toContain(credentials.secretAccessKey)
    expect(remedy).toContain('access key')
    expect((await send('GET', `/v1/accounts/${accountId}`)).json.status).toBe('failing')
  })

  it('that lacks a permission says which call it lacks', async () => {
    const credentials = { accessKeyId: 'AKIALIMITED000000001', secretAccessKey: 'limited-secret-limited-secret' }
    const made = await ask('POST', `${installation.simUrl}/_sim/keys`, { body: { ...credentials, deny: ['ec2:DescribeInstances'] } })
    expect(made.status, made.text).toBe(200)
    const accountId = await account('limited', { endpoint: installation.simUrl }, credentials)
    const { code, message, remedy } = await failureOf(await importFrom(accountId))
    expect(code).toBe('provider_unauthorized')
    expect(message).toContain('ec2:DescribeInstances')
    expect(remedy).toContain('permission')
  })

  it('that lacks permissions fails its verification, which names each of them by what it is for', async () => {
    const credentials = { accessKeyId: 'AKIALIMITED000000002', secretAccessKey: 'limited-secret-that-must-not-appear' }
    const deny = ['ec2:RunInstances', 'ec2:CreateSnapshots', 'elasticloadbalancing:ModifyListener']
    await ask('POST', `${installation.simUrl}/_sim/keys`, { body: { ...credentials, deny } })
    const accountId = await account('without permissions', { endpoint: installation.simUrl }, credentials)
    const { code, message, remedy } = await failureOf(await verify(accountId))
    expect(code).toBe('provider_unauthorized')
    for (const part of ['compute: ec2:RunInstances', 'snapshots: ec2:CreateSnapshots', 'traffic: elasticloadbalancing:ModifyListener'])
      expect(message).toContain(part)
    expect(remedy).toContain('policy')
    const { json, text } = await send('GET', `/v1/accounts/${accountId}`)
    expect(json).toMatchObject({ status: 'failing', nativeAccount: '123456789012' })
    const reports: { capability: string; missing: string[]; granted: string[] }[] = json.verification.permissions
    expect(reports.find(({ capability }) => capability === 'labels')).toMatchObject({ missing: [], granted: ['ec2:CreateTags', 'ec2:DeleteTags'] })
    const { json: able } = await send('GET', `/v1/accounts/${accountId}/capabilities`)
    const snapshots = able.capabilities.find(({ name }: { name: string }) => name === 'snapshots')
    expect(snapshots).toMatchObject({ supported: false, reason: expect.stringContaining('ec2:CreateSnapshots') as unknown })
    expect(text + message).not.toContain(credentials.secretAccessKey)
  })

  it('without the instance that was to be imported says so', async () => {
    const { code, message } = await failureOf(await importFrom(await account('empty', { endpoint: installation.simUrl }), 'i-0feedfacefeedface'))
    expect(code).toBe('not_found')
    expect(message).toContain('i-0feedfacefeedface')
  })

  it('whose endpoint is no cloud at all fails as well', async () => {
    const accountId = await account('no cloud', { endpoint: installation.apiUrl })
    expect((await failureOf(await verify(accountId))).code).toMatch(/^provider_/)
  })

  it('whose endpoint never answers does not hang the operation', async () => {
    const { code, message } = await failureOf(silentVerification, 180_000)
    expect(['provider_unavailable', 'deadline_exceeded'], message).toContain(code)
  }, 300_000)
})

describe('the service, after all of this', () => {
  it('still does its work, and has met no bug of its own', async () => {
    expect((await send('GET', '/readyz')).status).toBe(200)
    const [api, worker] = await Promise.all([installation.log('api'), installation.log('worker')])
    expect(api).toContain('"event":"ready"')
    expect(api).not.toContain('"level":"error"')
    expect(worker).not.toContain('"code":"internal"')
  })
})
