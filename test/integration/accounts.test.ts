import { adapters } from '@understudy/adapters'
import {
  aesGcmVault,
  authenticateIngest,
  createAccount,
  createWebhook,
  deleteAccount,
  getAccount,
  importResource,
  listAccounts,
  rotateIngestKey,
  rotateMasterKey,
  updateAccount,
  verifyAccount,
} from '@understudy/control'
import type { Account, Control } from '@understudy/control'
import { describe, expect, test } from 'vitest'
import { kindOf, refusalOf, useRooms } from './rooms.ts'

const rooms = useRooms()

const awsCredentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY' }
const aws = { name: 'production', provider: 'aws', region: 'eu-central-1', settings: {}, credentials: awsCredentials }

const sealedOf = async (control: Control, account: Account) => {
  const sealed = await control.database.stores.accounts.credentials(account.id)
  if (sealed === undefined) throw new Error('the account has no credentials')
  return sealed
}

describe('a new account', () => {
  test('is stored with its credentials sealed, and nobody is ever shown them', async () => {
    const { control, us } = rooms()
    const account = await createAccount(control, us.admin, { ...aws, settings: { endpoint: 'http://127.0.0.1:4566' } })
    expect(account).toMatchObject({ projectId: us.projectId, status: 'unverified', version: 1, settings: { endpoint: 'http://127.0.0.1:4566' } })
    expect(await getAccount(control, us.viewer, { id: account.id })).toEqual(account)
    const sealed = await sealedOf(control, account)
    expect(JSON.stringify(sealed)).not.toContain(awsCredentials.secretAccessKey)
    expect(JSON.parse(control.vault.open(sealed, account.id))).toEqual(awsCredentials)
    const trail = JSON.stringify(await control.database.stores.audit.list(us.projectId, { after: 0, limit: 1000, target: account.id }))
    expect(trail).toContain('accounts.created')
    expect(trail).not.toContain(awsCredentials.secretAccessKey)
  })

  test.each<[string, Parameters<typeof createAccount>[2], readonly string[]]>([
    ['an unknown provider', { ...aws, provider: 'nimbus' }, ['/provider']],
    ['no name and a region that is none', { ...aws, name: '', region: 'Frankfurt!' }, ['/name', '/region']],
    ['no credentials', { ...aws, credentials: {} }, ['/credentials/accessKeyId']],
    ['a metadata service as its endpoint', { ...aws, settings: { endpoint: 'http://169.254.169.254/latest' } }, ['/settings/endpoint']],
    ['a file as its endpoint', { ...aws, settings: { endpoint: 'file:///etc/passwd' } }, ['/settings/endpoint']],
    ['a setting that does not exist', { ...aws, settings: { nonsense: true } }, ['/settings/nonsense']],
  ])('with %s is refused, field by field', async (_what, input, pointers) => {
    const { control, us } = rooms()
    const refused = await refusalOf(createAccount(control, us.admin, input))
    expect(refused.kind).toBe('invalid_request')
    expect(refused.errors.map(({ pointer }) => pointer)).toEqual(expect.arrayContaining([...pointers]))
  })

  test('of an unknown provider is told which there are', async () => {
    const { control, us } = rooms()
    const { errors } = await refusalOf(createAccount(control, us.admin, { ...aws, provider: 'nimbus' }))
    expect(errors[0]?.message).toBe(`is not known here. There are: ${[...adapters.map(({ name }) => name), 'sim'].join(', ')}`)
  })
})

describe('accounts', () => {
  test('belong to their project: for another they are not there', async () => {
    const { control, us, them, newAccount } = rooms()
    const { id, version } = await newAccount(us)
    expect(await kindOf(getAccount(control, them.admin, { id }))).toBe('not_found')
    expect(await kindOf(updateAccount(control, them.admin, { id, seenVersion: version, name: 'x' }))).toBe('not_found')
    expect(await kindOf(deleteAccount(control, them.admin, { id, seenVersion: version }))).toBe('not_found')
    expect(await kindOf(verifyAccount(control, them.admin, { id }))).toBe('not_found')
    expect(await kindOf(rotateIngestKey(control, them.admin, { id }))).toBe('not_found')
    expect(await kindOf(importResource(control, them.admin, { accountId: id, nativeId: 'i-1' }))).toBe('not_found')
    expect((await listAccounts(control, them.viewer, { pageSize: 1000 })).items.map((account) => account.id)).not.toContain(id)
  })

  test('are changed by admins and verified by operators', async () => {
    const { control, us, newAccount } = rooms()
    const { id, version } = await newAccount(us)
    expect(await kindOf(createAccount(control, us.operator, aws))).toBe('forbidden')
    expect(await kindOf(updateAccount(control, us.operator, { id, seenVersion: version, name: 'x' }))).toBe('forbidden')
    expect(await kindOf(deleteAccount(control, us.operator, { id, seenVersion: version }))).toBe('forbidden')
    expect(await kindOf(rotateIngestKey(control, us.operator, { id }))).toBe('forbidden')
    expect(await kindOf(verifyAccount(control, us.viewer, { id }))).toBe('forbidden')
  })

  test('are changed from the version that was seen: of many at once one wins', async () => {
    const { control, us, newAccount } = rooms()
    const { id } = await newAccount(us)
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, (_, index) => updateAccount(control, us.admin, { id, seenVersion: 1, name: `name ${index}` })),
    )
    const winners = results.filter((result) => result.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    for (const result of results) if (result.status === 'rejected') expect((result.reason as { kind: string }).kind).toBe('precondition_failed')
    expect((await getAccount(control, us.viewer, { id })).version).toBe(2)
  })

  test('are unverified after new settings or credentials, and not after a new name', async () => {
    const { control, us, newAccount, finish } = rooms()
    const { id } = await newAccount(us)
    await finish(await verifyAccount(control, us.operator, { id }))
    const verified = await getAccount(control, us.viewer, { id })
    expect(verified).toMatchObject({ status: 'verified', nativeAccount: rooms().dc.accountId })
    const renamed = await updateAccount(control, us.admin, { id, seenVersion: verified.version, name: 'renamed' })
    expect(renamed).toMatchObject({ name: 'renamed', status: 'verified', version: verified.version + 1 })
    const changed = await updateAccount(control, us.admin, { id, seenVersion: renamed.version, credentials: { key: 'wrong' } })
    expect(changed).toMatchObject({ status: 'unverified', nativeAccount: undefined, verification: undefined })
    expect(JSON.parse(control.vault.open(await sealedOf(control, changed), id))).toEqual({ key: 'wrong' })
    expect(await getAccount(control, us.viewer, { id })).toEqual(changed)
  })

  test('cannot be deleted while they have resources', async () => {
    const { control, us, newAccount, newService, finish } = rooms()
    const account = await newAccount(us)
    const { nativeId } = newService('kept')
    const { status } = await finish(await importResource(control, us.operator, { accountId: account.id, nativeId }))
    expect(status).toBe('succeeded')
    expect(await kindOf(deleteAccount(control, us.admin, { id: account.id, seenVersion: account.version }))).toBe('conflict')
    const empty = await newAccount(us)
    expect(await kindOf(deleteAccount(control, us.admin, { id: empty.id, seenVersion: 7 }))).toBe('precondition_failed')
    await deleteAccount(control, us.admin, { id: empty.id, seenVersion: empty.version })
    expect(await kindOf(getAccount(control, us.viewer, { id: empty.id }))).toBe('not_found')
    expect(await control.database.stores.accounts.credentials(empty.id)).toBeUndefined()
  })
})

describe('verifying', () => {
  test('records who the credentials belong to', async () => {
    const { control, us, newAccount, finish, dc } = rooms()
    const { id } = await newAccount(us)
    const started = await verifyAccount(control, us.operator, { id })
    expect(started).toMatchObject({ kind: 'account.verify', status: 'pending', requestedBy: `key:${us.operator.keyId}` })
    expect((await verifyAccount(control, us.operator, { id })).id).toBe(started.id)
    const ended = await finish(started)
    expect(ended).toMatchObject({ status: 'succeeded', error: undefined })
    const account = await getAccount(control, us.viewer, { id })
    expect(account).toMatchObject({
      status: 'verified',
      nativeAccount: dc.accountId,
      version: 2,
      verification: { principal: expect.stringContaining('understudy') },
    })
    expect(account.verifiedAt).toBeInstanceOf(Date)
    const events = await control.database.stores.events.listAfter(0, { projectId: us.projectId, limit: 1000, types: ['io.understudy.accounts.'] })
    expect(events.filter(({ subject }) => subject === `accounts/${id}`).map(({ type }) => type)).toEqual([
      'io.understudy.accounts.created.v1',
      'io.understudy.accounts.verification_requested.v1',
      'io.understudy.accounts.verified.v1',
    ])
    const actions = (await control.database.stores.audit.list(us.projectId, { after: 0, limit: 1000, operationId: started.id })).map(
      ({ action }) => action,
    )
    expect(actions).toEqual(['accounts.verification_requested', 'accounts.verified'])
  })

  test.each([
    ['wrong', 'provider_unauthorized', 'Check the access key'],
    ['forbidden', 'provider_unauthorized', 'lack a permission'],
    ['unreachable', 'provider_unavailable', 'Check the endpoint'],
    ['silent', 'deadline_exceeded', 'Check the endpoint'],
  ])('with a key that is %s, both the operation and the account say what is wrong and what to do', async (key, code, remedy) => {
    const { control, us, newAccount, finish } = rooms()
    const { id } = await newAccount(us, { credentials: { key } })
    const ended = await finish(await verifyAccount(control, us.operator, { id }))
    expect(ended.status).toBe('failed')
    expect(ended.error).toMatchObject({ code, remedy: expect.stringContaining(remedy) })
    expect(await getAccount(control, us.viewer, { id })).toMatchObject({
      status: 'failing',
      verification: { errorCode: code, message: ended.error?.message, remedy: expect.stringContaining(remedy) },
      verifiedAt: undefined,
    })
  })

  test('with credentials of another account of the cloud fails while there are resources, and says which is which', async () => {
    const { control, us, newAccount, newService, finish, dc } = rooms()
    const { id } = await newAccount(us)
    await finish(await verifyAccount(control, us.operator, { id }))
    await finish(await importResource(control, us.operator, { accountId: id, nativeId: newService('moved').nativeId }))
    const seenVersion = (await getAccount(control, us.viewer, { id })).version
    await updateAccount(control, us.admin, { id, seenVersion, credentials: { key: 'elsewhere' } })
    const ended = await finish(await verifyAccount(control, us.operator, { id }))
    expect(ended).toMatchObject({ status: 'failed', error: { code: 'conflict', message: expect.stringMatching(/999999999999.*/) } })
    expect(await getAccount(control, us.viewer, { id })).toMatchObject({ status: 'failing', nativeAccount: dc.accountId })
  })
})

describe('the ingest key', () => {
  test('opens its own account alone, and only the newest one', async () => {
    const { control, us, newAccount } = rooms()
    const [one, other] = [await newAccount(us), await newAccount(us)]
    const attempt = (accountId: string, secret: string | undefined, provider = 'sim') => authenticateIngest(control, { provider, accountId, secret })
    expect(await kindOf(attempt(one.id, undefined))).toBe('unauthenticated')
    expect(await kindOf(attempt(one.id, 'no key is set'))).toBe('unauthenticated')
    const first = await rotateIngestKey(control, us.admin, { id: one.id })
    expect(first.secret).toMatch(/^usi_/)
    expect((await attempt(one.id, first.secret)).id).toBe(one.id)
    const second = await rotateIngestKey(control, us.admin, { id: one.id })
    const refusals = await Promise.all([
      refusalOf(attempt(one.id, first.secret)),
      refusalOf(attempt(other.id, second.secret)),
      refusalOf(attempt(one.id, second.secret, 'aws')),
      refusalOf(attempt('acc_00000000000000000000', second.secret)),
    ])
    expect(new Set(refusals.map(({ kind, message }) => `${kind} ${message}`)).size).toBe(1)
    expect((await attempt(one.id, second.secret)).id).toBe(one.id)
    expect(JSON.stringify(await getAccount(control, us.viewer, { id: one.id }))).not.toContain(second.secret)
  })
})

describe('a new master key', () => {
  test('seals everything again, so that the old one can go', async () => {
    const { control, us, newAccount } = rooms()
    const account = await newAccount(us)
    const { endpoint, secret } = await createWebhook(control, us.admin, { url: 'https://example.com/' })
    const [old, young] = [new Uint8Array(32).fill(7), new Uint8Array(32).fill(8)]
    const rotating: Control = {
      ...control,
      vault: aesGcmVault({
        keys: new Map([
          ['test', old],
          ['young', young],
        ]),
        current: 'young',
      }),
    }
    const { resealed } = await rotateMasterKey(rotating)
    expect(resealed).toBeGreaterThanOrEqual(2)
    expect(await rotateMasterKey(rotating)).toEqual({ resealed: 0 })
    const without = aesGcmVault({ keys: new Map([['young', young]]), current: 'young' })
    expect(JSON.parse(without.open(await sealedOf(control, account), account.id))).toEqual({ key: 'valid' })
    const secrets = await control.database.stores.webhooks.secrets(endpoint.id)
    expect(secrets && without.open(secrets.current, endpoint.id)).toBe(secret)
    const trail = await control.database.stores.audit.list(us.projectId, { after: 0, limit: 1000, target: account.id })
    expect(trail.at(-1)).toMatchObject({
      action: 'accounts.credentials_resealed',
      actor: 'system:master-key-rotation',
      details: { masterKeyId: 'young' },
    })
    // Back, for whatever else runs on this database.
    await rotateMasterKey({
      ...control,
      vault: aesGcmVault({
        keys: new Map([
          ['test', old],
          ['young', young],
        ]),
        current: 'test',
      }),
    })
  })
})

describe('the account of a cloud whose credentials may reach many', () => {
  const google = { name: 'g', provider: 'gcp', region: 'europe-west1', settings: {}, credentials: { accessToken: 'a-token' } }

  test('has to be named, in the form of its cloud', async () => {
    const { control, us } = rooms()
    for (const input of [google, { ...google, nativeAccount: 'No Project' }]) {
      expect((await refusalOf(createAccount(control, us.admin, input))).errors).toEqual([
        { pointer: '/nativeAccount', message: expect.stringContaining('the id of a project') },
      ])
    }
    expect(await createAccount(control, us.admin, { ...google, nativeAccount: 'my-project' })).toMatchObject({ nativeAccount: 'my-project' })
  })

  test('stays named when the credentials are renewed, and may be another one before there are resources', async () => {
    const { control, us } = rooms()
    const { id } = await createAccount(control, us.admin, { ...google, nativeAccount: 'my-project' })
    const renewed = await updateAccount(control, us.admin, { id, seenVersion: 1, credentials: { accessToken: 'another' } })
    expect(renewed).toMatchObject({ nativeAccount: 'my-project', status: 'unverified' })
    const moved = await updateAccount(control, us.admin, { id, seenVersion: 2, nativeAccount: 'other-project' })
    expect(moved).toMatchObject({ nativeAccount: 'other-project', status: 'unverified' })
  })
})
