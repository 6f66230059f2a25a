import {
  authenticate,
  bootstrap,
  createApiKey,
  createProject,
  getApiKey,
  listApiKeys,
  listAudit,
  listProjects,
  requireRole,
  revokeApiKey,
  verifyAudit,
} from '@understudy/control'
import type { Control } from '@understudy/control'
import { randomIds, VirtualClock } from '@understudy/core'
import { openDatabase } from '@understudy/persistence'
import { createTestDatabase } from '@understudy/testing'
import { describe, expect, test } from 'vitest'
import { kindOf, refusalOf, useRooms } from './rooms.ts'

const rooms = useRooms()

describe('the first start', () => {
  test('has made one project and one key; a second start makes nothing', async () => {
    const { control, installer } = rooms()
    expect(installer).toMatchObject({ role: 'admin', installationAdmin: true, name: 'installation' })
    expect(await bootstrap(control.database, control.clock, control.ids)).toBeUndefined()
  })

  test('of several processes at once makes one key', async () => {
    const empty = await createTestDatabase()
    const clock = new VirtualClock()
    const processes = Array.from({ length: 4 }, () => openDatabase({ url: empty.url, clock, connectTimeoutMs: 60_000 }))
    try {
      const made = await Promise.all(processes.map((database) => bootstrap(database, clock, randomIds)))
      expect(made.filter((answer) => answer !== undefined)).toHaveLength(1)
      expect(await processes[0]?.stores.access.countKeys()).toBe(1)
    } finally {
      await Promise.all(processes.map((database) => database.close()))
      await empty.drop()
    }
  })
})

describe('a key', () => {
  test('is `usk_` and 40 characters, answered once, and nowhere in the database', async () => {
    const { control, us } = rooms()
    const { key, secret } = await createApiKey(control, us.admin, { name: 'ci', role: 'operator' })
    expect(secret).toMatch(/^usk_[0-9a-hjkmnp-tv-z]{40}$/)
    expect(key.prefix).toBe(secret.slice(0, 12))
    expect(key).toMatchObject({ projectId: us.projectId, role: 'operator', installationAdmin: false })
    const stored = JSON.stringify(await control.database.stores.access.listKeys(us.projectId, { after: undefined, limit: 100 }))
    expect(stored).not.toContain(secret)
    const trail = JSON.stringify(await control.database.stores.audit.list(us.projectId, { after: 0, limit: 1000 }))
    expect(trail).not.toContain(secret)
    expect(await authenticate(control, secret)).toEqual({
      keyId: key.id,
      projectId: us.projectId,
      role: 'operator',
      name: 'ci',
      installationAdmin: false,
      groups: [],
    })
  })

  test('that is unknown, expired or revoked is refused in the same words, and the log is told why', async () => {
    const { control, us, clock } = rooms()
    const expiring = await createApiKey(control, us.admin, { name: 'short', role: 'viewer', expiresAt: new Date(clock.nowMs() + 60_000) })
    const revoked = await createApiKey(control, us.admin, { name: 'old', role: 'viewer' })
    await authenticate(control, expiring.secret)
    await revokeApiKey(control, us.admin, { id: revoked.key.id })
    clock.advance(60_000)
    const refusals = await Promise.all(
      [expiring.secret, revoked.secret, 'usk_0000000000000000000000000000000000000000', '', 'x'.repeat(10_000), "' or 1=1 --"].map((secret) =>
        refusalOf(authenticate(control, secret)),
      ),
    )
    expect(new Set(refusals.map(({ kind, message }) => `${kind} ${message}`)).size).toBe(1)
    expect(refusals[0]?.kind).toBe('unauthenticated')
    expect(refusals.map(({ cause }) => (cause as Error).message)).toEqual([
      `the key ${expiring.key.id} has expired`,
      `the key ${revoked.key.id} was revoked`,
      ...Array.from({ length: 4 }, () => 'the key is unknown'),
    ])
  })

  test('remembers when it was used, to the minute', async () => {
    const { control, us, clock } = rooms()
    const { key, secret } = await createApiKey(control, us.admin, { name: 'used', role: 'viewer' })
    const lastUsedMs = async () => (await getApiKey(control, us.admin, { id: key.id })).lastUsedAt?.getTime()
    expect(await lastUsedMs()).toBeUndefined()
    await authenticate(control, secret)
    const firstMs = clock.nowMs()
    expect(await lastUsedMs()).toBe(firstMs)
    clock.advance(59_999)
    await authenticate(control, secret)
    expect(await lastUsedMs()).toBe(firstMs)
    clock.advance(1)
    await authenticate(control, secret)
    expect(await lastUsedMs()).toBe(firstMs + 60_000)
  })

  test('may not be made to expire in the past, or without a name', async () => {
    const { control, us, clock } = rooms()
    const refused = await refusalOf(createApiKey(control, us.admin, { name: ' ', role: 'viewer', expiresAt: new Date(clock.nowMs()) }))
    expect(refused.kind).toBe('invalid_request')
    expect(refused.errors.map(({ pointer }) => pointer)).toEqual(['/name', '/expiresAt'])
  })

  test('of the installation cannot be revoked; another can, once and for all', async () => {
    const { control, installer, us } = rooms()
    expect(await kindOf(revokeApiKey(control, installer, { id: installer.keyId }))).toBe('conflict')
    const { key } = await createApiKey(control, us.admin, { name: 'x', role: 'viewer' })
    const first = await revokeApiKey(control, us.admin, { id: key.id })
    expect(await revokeApiKey(control, us.admin, { id: key.id })).toEqual(first)
  })
})

describe('roles', () => {
  test('include the ones before them', () => {
    const { us } = rooms()
    expect(() => requireRole(us.admin, 'operator')).not.toThrow()
    expect(() => requireRole(us.operator, 'viewer')).not.toThrow()
    expect(() => requireRole(us.operator, 'admin')).toThrow('This needs the role admin')
    expect(() => requireRole(us.viewer, 'operator')).toThrow('has viewer')
  })
  test('keys are the business of admins, and projects of the installation', async () => {
    const { control, us } = rooms()
    for (const principal of [us.operator, us.viewer]) {
      expect(await kindOf(createApiKey(control, principal, { name: 'x', role: 'viewer' }))).toBe('forbidden')
      expect(await kindOf(listApiKeys(control, principal, {}))).toBe('forbidden')
      expect(await kindOf(getApiKey(control, principal, { id: principal.keyId }))).toBe('forbidden')
      expect(await kindOf(revokeApiKey(control, principal, { id: principal.keyId }))).toBe('forbidden')
      expect(await kindOf(verifyAudit(control, principal))).toBe('forbidden')
    }
    expect(await kindOf(createProject(control, us.admin, { name: 'x' }))).toBe('forbidden')
  })
})

describe('another project', () => {
  test('is not there: its keys cannot be read, revoked or made', async () => {
    const { control, us, them } = rooms()
    expect(await kindOf(getApiKey(control, us.admin, { id: them.viewer.keyId }))).toBe('not_found')
    expect(await kindOf(revokeApiKey(control, us.admin, { id: them.viewer.keyId }))).toBe('not_found')
    expect(await kindOf(createApiKey(control, us.admin, { name: 'x', role: 'admin', projectId: them.projectId }))).toBe('not_found')
    expect(await kindOf(createApiKey(control, us.admin, { name: 'x', role: 'admin', projectId: 'prj_00000000000000000001' }))).toBe('not_found')
    const { items } = await listApiKeys(control, us.admin, { pageSize: 1000 })
    expect(new Set(items.map((key) => key.projectId))).toEqual(new Set([us.projectId]))
  })
  test('is listed for the key of the installation alone', async () => {
    const { control, us, them, installer } = rooms()
    expect((await listProjects(control, us.viewer, {})).items.map(({ id }) => id)).toEqual([us.projectId])
    const all: string[] = []
    for (let after: string | undefined; ;) {
      const page = await listProjects(control, installer, { pageSize: 1, after })
      all.push(...page.items.map(({ id }) => id))
      after = page.nextAfter
      if (after === undefined) break
    }
    expect(all).toEqual(expect.arrayContaining([us.projectId, them.projectId, installer.projectId]))
    expect(new Set(all).size).toBe(all.length)
  })
})

describe('the audit trail', () => {
  test('has every change with who made it, in pages, for viewers too', async () => {
    const { control, newTenant } = rooms()
    const tenant = await newTenant('audited')
    const { key } = await createApiKey(control, tenant.admin, { name: 'a', role: 'viewer' })
    await revokeApiKey(control, tenant.admin, { id: key.id })
    const entries: string[] = []
    for (let after: string | undefined; ;) {
      const page = await listAudit(control, tenant.viewer, { pageSize: 2, after })
      entries.push(...page.items.map(({ action, target, actor }) => `${action} ${target} ${actor}`))
      after = page.nextAfter
      if (after === undefined) break
    }
    expect(entries.slice(-2)).toEqual([
      `access.key_created ${key.id} key:${tenant.admin.keyId}`,
      `access.key_revoked ${key.id} key:${tenant.admin.keyId}`,
    ])
    expect((await listAudit(control, tenant.viewer, { target: key.id })).items).toHaveLength(2)
    expect(await kindOf(listAudit(control, tenant.viewer, { after: 'nonsense' }))).toBe('invalid_request')
  })

  test('fits together after many changes at once', async () => {
    const { control, newTenant, them } = rooms()
    const tenant = await newTenant('chained')
    await Promise.all(Array.from({ length: 20 }, (_, index) => createApiKey(control, tenant.admin, { name: `k${index}`, role: 'viewer' })))
    // The project and its three keys came before.
    expect(await verifyAudit(control, tenant.admin)).toMatchObject({ ok: true, checked: 24 })
    expect(await verifyAudit(control, them.admin)).toMatchObject({ ok: true })
  })

  test('shows where somebody who could write to the database has changed it', async () => {
    const { control, newTenant } = rooms()
    const tenant = await newTenant('forged')
    const { audit } = control.database.stores
    const forged: Control = {
      ...control,
      database: {
        ...control.database,
        stores: {
          ...control.database.stores,
          audit: {
            ...audit,
            list: async (...parameters) =>
              (await audit.list(...parameters)).map((entry) => (entry.sequence === 2 ? { ...entry, actor: 'key:somebody' } : entry)),
          },
        },
      },
    }
    expect(await verifyAudit(control, tenant.admin)).toMatchObject({ ok: true, checked: 4 })
    expect(await verifyAudit(forged, tenant.admin)).toMatchObject({ ok: false, checked: 1, brokenAt: 2 })
  })
})
