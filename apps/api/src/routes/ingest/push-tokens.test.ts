import type { Account } from '@understudy/control'
import { VirtualClock } from '@understudy/core'
import { SignJWT, generateKeyPair } from 'jose'
import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aTenant } from '../../testing/tenant.ts'
import type { Tenant } from '../../testing/tenant.ts'
import { startTestApp } from '../../testing/test-app.ts'
import type { TestAnswer, TestApp } from '../../testing/test-app.ts'
import { startTokenIssuer } from '../../testing/token-issuer.ts'
import type { TokenIssuer } from '../../testing/token-issuer.ts'

const minuteMs = 60_000
const clock = new VirtualClock(Date.UTC(2026, 2, 1, 12))
const audience = 'https://understudy.example/v1/ingest/gcp'
const serviceAccount = 'pusher@project.iam.gserviceaccount.com'
let api: TestApp
let ours: Tenant
let issuer: TokenIssuer
beforeAll(async () => {
  api = await startTestApp({ clock })
  ours = await aTenant(api, 'ours')
  issuer = await startTokenIssuer()
})
afterAll(async () => {
  await api.close()
  await issuer.close()
})

const googleAccount = (keysUrl = issuer.keysUrl): Promise<Account> =>
  ours.anAccount({
    provider: 'gcp',
    nativeAccount: 'my-project',
    region: 'europe-west1',
    settings: { push: { audience, serviceAccount, keysUrl } },
    credentials: { accessToken: 'a-token' },
  })

/** As Google signs it for a push subscription; `undefined` leaves a claim out. */
const claims = (overrides: Readonly<Record<string, unknown>> = {}): JWTPayload => {
  const now = Math.floor(clock.nowMs() / 1000)
  const all = {
    iss: 'https://accounts.google.com',
    aud: audience,
    iat: now,
    exp: now + 3600,
    email: serviceAccount,
    email_verified: true,
    ...overrides,
  }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** Envelope and audit log entry as Pub/Sub pushes them. */
const preemption = (instance: string, insertId = `preempted-${instance}`) => ({
  subscription: 'projects/p/subscriptions/push1',
  message: {
    data: Buffer.from(
      JSON.stringify({
        protoPayload: {
          '@type': 'type.googleapis.com/google.cloud.audit.AuditLog',
          status: { message: 'Instance was preempted.' },
          authenticationInfo: { principalEmail: 'system@google.com' },
          serviceName: 'compute.googleapis.com',
          methodName: 'compute.instances.preempted',
          resourceName: 'projects/P/zones/europe-west1-c/instances/NAME',
          request: { '@type': 'type.googleapis.com/compute.instances.preempted' },
        },
        insertId,
        resource: { type: 'gce_instance', labels: { instance_id: instance, project_id: 'P', zone: 'europe-west1-c' } },
        timestamp: new Date(clock.nowMs()).toISOString(),
        severity: 'INFO',
        operation: { id: 'systemevent-1', producer: 'compute.instances.preempted', first: true, last: true },
      }),
    ).toString('base64'),
    messageId: '1',
    message_id: '1',
    publishTime: new Date(clock.nowMs()).toISOString(),
    publish_time: new Date(clock.nowMs()).toISOString(),
    attributes: { 'logging.googleapis.com/timestamp': new Date(clock.nowMs()).toISOString() },
  },
})

const push = (account: Account, token: string, payload: object = preemption('1234567890123456789')): Promise<TestAnswer> =>
  api.inject({
    method: 'POST',
    url: `/v1/ingest/${account.provider}/${account.id}`,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    payload,
  })

function expectRefusal(answer: TestAnswer, claim: string): void {
  expect(answer.json, answer.text).toMatchObject({ status: 401, code: 'unauthenticated', errors: [{ pointer: `/headers/authorization/${claim}` }] })
  // A stranger who has a token signed does not learn what would have been right.
  expect(answer.text).not.toContain(audience)
  expect(answer.text).not.toContain(serviceAccount)
}

test('a push with the token of its cloud is taken in, without any key', async () => {
  const account = await googleAccount()
  const { json } = await api.inject({ method: 'GET', url: `/v1/accounts/${account.id}`, key: ours.keys.viewer })
  expect(json.ingestEnabled).toBe(true)
  const resource = await ours.aResource({ accountId: account.id, nativeId: '4410000000000000001' })
  const answer = await push(account, await issuer.sign(claims()), preemption(resource.nativeId))
  expect(answer.status, answer.text).toBe(202)
  expect(answer.json.signals).toMatchObject([{ nativeId: resource.nativeId, kind: 'interruption', outcome: 'recorded' }])
})

describe('a token is refused, and the claim is named, when', () => {
  const now = Math.floor(clock.nowMs() / 1000)
  test.each<[string, string, Readonly<Record<string, unknown>>]>([
    ['it is for another audience', 'aud', { aud: 'https://elsewhere.example' }],
    ['it has no audience', 'aud', { aud: undefined }],
    ['somebody else has issued it', 'iss', { iss: 'https://issuer.example' }],
    ['it has expired', 'exp', { exp: now - 3600 }],
    ['it never expires', 'exp', { exp: undefined }],
    ['it is not valid yet', 'nbf', { nbf: now + 3600 }],
    ['it is for another service account', 'email', { email: 'somebody@else.example' }],
    ['it names no service account', 'email', { email: undefined }],
    ['its e-mail address is not verified', 'email_verified', { email_verified: false }],
  ])('%s', async (_why, claim, overrides) => {
    expectRefusal(await push(await googleAccount(), await issuer.sign(claims(overrides))), claim)
  })

  test('another key has signed it', async () => {
    const { privateKey } = await generateKeyPair('RS256')
    expectRefusal(await push(await googleAccount(), await issuer.sign(claims(), privateKey)), 'signature')
  })

  test('it is signed with a shared secret, or not at all', async () => {
    const account = await googleAccount()
    const shared = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode('a secret of at least 32 characters'))
    const none = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims())).toString('base64url')}.AA`
    for (const token of [shared, none, 'not.a.token']) expectRefusal(await push(account, token), 'token')
  })
})

test('an account whose settings expect no token takes none, and answers like one that does not exist', async () => {
  const account = await ours.anAccount()
  const answer = await push(account, await issuer.sign(claims()))
  const unknown = await push({ ...account, id: `acc_${'0'.repeat(20)}` }, await issuer.sign(claims()))
  expect(answer.json).toMatchObject({ status: 401, code: 'unauthenticated' })
  expect(answer.json.detail).toBe(unknown.json.detail)
})

test('the ingest key counts beside the token', async () => {
  const account = await googleAccount()
  const key = await ours.anIngestKey(account)
  expect((await push(account, key)).status).toBe(202)
})

describe('the keys of the issuer', () => {
  test('are read once for many pushes', async () => {
    const other = await startTokenIssuer()
    const account = await googleAccount(other.keysUrl)
    const answers = await Promise.all(Array.from({ length: 20 }, async () => push(account, await other.sign(claims()), {})))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    expect(other.reads).toBe(1)
    await other.close()
  })

  test('cannot be read: 503, nothing is taken in, and the same push succeeds when they are back', async () => {
    const other = await startTokenIssuer()
    const account = await googleAccount(other.keysUrl)
    const resource = await ours.aResource({ accountId: account.id, nativeId: '4410000000000000002' })
    other.status = 500
    const token = await other.sign(claims())
    const refused = await push(account, token, preemption(resource.nativeId))
    expect(refused.json).toMatchObject({ status: 503, code: 'unavailable', retryable: true, detail: expect.stringContaining('keys of the issuer') })
    expect(refused.headers['retry-after']).toBe('1')
    other.status = 200
    clock.advance(3_000)
    const again = await push(account, token, preemption(resource.nativeId))
    expect(again.json.signals).toMatchObject([{ nativeId: resource.nativeId, outcome: 'recorded' }])
    await other.close()
  })

  test('go on counting while the issuer does not answer, for a day', async () => {
    const other = await startTokenIssuer()
    const account = await googleAccount(other.keysUrl)
    expect((await push(account, await other.sign(claims()), {})).status).toBe(202)
    await other.close()
    clock.advance(11 * minuteMs)
    expect((await push(account, await other.sign(claims()), {})).status).toBe(202)
    clock.advance(24 * 60 * minuteMs)
    expect((await push(account, await other.sign(claims()), {})).status).toBe(503)
  })

  test('are read again when a token names one that is not known, but not for every invention', async () => {
    const other = await startTokenIssuer()
    const account = await googleAccount(other.keysUrl)
    expect((await push(account, await other.sign(claims()), {})).status).toBe(202)
    await other.rotate()
    expectRefusal(await push(account, await other.sign(claims())), 'signature')
    expect(other.reads).toBe(1)
    clock.advance(31_000)
    expect((await push(account, await other.sign(claims()), {})).status).toBe(202)
    expect(other.reads).toBe(2)
    await other.close()
  })

  test('are never read from a metadata service, nor in clear from another machine', async () => {
    const body = {
      name: 'p',
      provider: 'gcp',
      nativeAccount: 'my-project',
      region: 'europe-west1',
      settings: { push: { audience, serviceAccount, keysUrl: 'http://169.254.169.254/keys' } },
      credentials: { accessToken: 't' },
    }
    const headers = { 'idempotency-key': 'metadata-keys' }
    const refused = await api.inject({ method: 'POST', url: '/v1/accounts', key: ours.keys.admin, headers, payload: body })
    expect(refused.json).toMatchObject({ status: 400, errors: [{ pointer: '/settings/push/keysUrl' }] })
    const inClear = { ...body, settings: { push: { audience, serviceAccount, keysUrl: 'http://keys.example/keys' } } }
    const alsoRefused = await api.inject({
      method: 'POST',
      url: '/v1/accounts',
      key: ours.keys.admin,
      headers: { 'idempotency-key': 'in-clear' },
      payload: inClear,
    })
    expect(alsoRefused.json).toMatchObject({
      status: 400,
      errors: [{ pointer: '/settings/push/keysUrl', message: expect.stringContaining('https') }],
    })
  })
})

describe('Event Grid with Microsoft Entra ID', () => {
  const tenantId = '11111111-2222-3333-4444-555555555555'
  const application = '4962773b-9cdb-44cf-a8bf-237846a00ab7'
  const secured = () =>
    ours.anAccount({
      provider: 'azure',
      nativeAccount: '11111111-2222-3333-4444-555555555555',
      region: 'westeurope',
      settings: { resourceGroup: 'stand-ins', push: { tenantId, audience: 'api://understudy', keysUrl: issuer.keysUrl } },
      credentials: { source: 'managed-identity' },
    })
  const entra = (overrides: Readonly<Record<string, unknown>> = {}) => {
    const now = Math.floor(clock.nowMs() / 1000)
    return { iss: `https://sts.windows.net/${tenantId}/`, aud: 'api://understudy', exp: now + 3600, appid: application, ...overrides }
  }

  test('is taken in with a token of either version', async () => {
    const account = await secured()
    const second = { iss: `https://login.microsoftonline.com/${tenantId}/v2.0`, azp: application, appid: undefined }
    for (const token of [entra(), JSON.parse(JSON.stringify(entra(second))) as JWTPayload]) {
      expect((await push(account, await issuer.sign(token), {})).status).toBe(202)
    }
  })

  test('is refused when another application or another tenant pushes', async () => {
    const account = await secured()
    expectRefusal(await push(account, await issuer.sign(entra({ appid: '99999999-2222-3333-4444-555555555555' }))), 'appid')
    expectRefusal(await push(account, await issuer.sign(entra({ iss: 'https://sts.windows.net/99999999-2222-3333-4444-555555555555/' }))), 'iss')
  })
})
