import { z } from 'zod'
import { anyJson, groupName, idOf, idParams, nativeId, pageOf, pageQuery, text, time, timeInput } from './common.ts'
import { defineRoute, json, noContent } from './route.ts'

export const role = z.enum(['viewer', 'operator', 'admin']).meta({ description: 'Each includes the ones before it.' })

export const Project = z.object({ id: idOf('project', 'project'), name: z.string(), createdAt: time }).meta({ id: 'Project' })

export const ApiKey = z
  .object({
    id: idOf('apiKey', 'key'),
    projectId: z.string(),
    name: z.string(),
    role,
    installationAdmin: z.boolean().meta({ description: 'May create projects, and keys for any project.' }),
    groups: z.array(z.string()).meta({ description: 'User groups that it speaks for; rollback policies name them.' }),
    prefix: z.string().meta({ description: 'The first characters of the key, to tell keys apart.' }),
    createdAt: time,
    expiresAt: time.optional(),
    lastUsedAt: time.optional().meta({ description: 'To about a minute.' }),
    revokedAt: time.optional(),
  })
  .meta({ id: 'ApiKey' })

export const CreatedApiKey = z
  .object({ key: ApiKey, secret: z.string().meta({ description: 'The key itself. Shown once and stored nowhere.' }) })
  .meta({ id: 'CreatedApiKey' })

export const AuditEntry = z
  .object({
    sequence: z.number().int(),
    at: time,
    actor: z.string().meta({ examples: ['key:key_0123456789abcdefghjk', 'system:signals'] }),
    action: z.string().meta({ examples: ['accounts.create', 'traffic.setWeights'] }),
    target: z.string(),
    operationId: z.string().optional(),
    details: anyJson.optional(),
    previousHash: z.string(),
    hash: z.string(),
  })
  .meta({ id: 'AuditEntry' })

export const AuditVerification = z
  .object({
    ok: z.boolean(),
    checked: z.number().int(),
    lastHash: z.string().meta({ description: 'Write it down elsewhere: an end that was cut off shows when it no longer appears.' }),
    brokenAt: z.number().int().optional().meta({ description: 'Sequence of the first entry that does not fit.' }),
  })
  .meta({ id: 'AuditVerification' })

export const createProject = defineRoute({
  method: 'POST',
  url: '/v1/projects',
  access: { role: 'installation', idempotent: true },
  schema: {
    operationId: 'createProject',
    tags: ['projects'],
    summary: 'Create a project',
    description: 'Make its first key with `POST /v1/api-keys` and `projectId`.',
    body: z.strictObject({ name: text(200) }).meta({ id: 'CreateProject' }),
    response: { 201: json('The project.', Project) },
  },
})

export const listProjects = defineRoute({
  method: 'GET',
  url: '/v1/projects',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listProjects',
    tags: ['projects'],
    summary: 'List projects',
    description: 'Your own; all of them with a key of the installation.',
    querystring: z.strictObject(pageQuery),
    response: { 200: json('One page.', pageOf('ProjectPage', Project)) },
  },
})

export const createApiKey = defineRoute({
  method: 'POST',
  url: '/v1/api-keys',
  access: { role: 'admin', idempotent: true, secret: true },
  schema: {
    operationId: 'createApiKey',
    tags: ['api-keys'],
    summary: 'Create an API key',
    description: 'The key is in `secret`, once. `projectId` of another project needs a key of the installation.',
    body: z
      .strictObject({
        name: text(200),
        role,
        groups: z.array(groupName).max(20).optional().meta({ description: 'User groups that the key speaks for.' }),
        expiresAt: timeInput.optional(),
        projectId: idOf('project', 'project').optional(),
      })
      .meta({ id: 'CreateApiKey' }),
    response: { 201: json('The key.', CreatedApiKey) },
  },
})

export const listApiKeys = defineRoute({
  method: 'GET',
  url: '/v1/api-keys',
  access: { role: 'admin' },
  schema: {
    operationId: 'listApiKeys',
    tags: ['api-keys'],
    summary: 'List API keys',
    description: 'Revoked and expired ones included. The keys themselves are not shown.',
    querystring: z.strictObject(pageQuery),
    response: { 200: json('One page.', pageOf('ApiKeyPage', ApiKey)) },
  },
})

export const getApiKey = defineRoute({
  method: 'GET',
  url: '/v1/api-keys/{id}',
  access: { role: 'admin' },
  schema: {
    operationId: 'getApiKey',
    tags: ['api-keys'],
    summary: 'Read about an API key',
    description: 'The key itself is not shown.',
    params: idParams(idOf('apiKey', 'key')),
    response: { 200: json('The key.', ApiKey) },
  },
})

export const revokeApiKey = defineRoute({
  method: 'DELETE',
  url: '/v1/api-keys/{id}',
  access: { role: 'admin' },
  schema: {
    operationId: 'revokeApiKey',
    tags: ['api-keys'],
    summary: 'Revoke an API key',
    description: 'It stops working at once and stays listed.',
    params: idParams(idOf('apiKey', 'key')),
    response: { 204: noContent },
  },
})

export const listAudit = defineRoute({
  method: 'GET',
  url: '/v1/audit',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listAudit',
    tags: ['audit'],
    summary: 'Read the audit trail',
    description: 'In order of sequence.',
    querystring: z.strictObject({ ...pageQuery, target: nativeId.optional(), operationId: idOf('operation', 'operation').optional() }),
    response: { 200: json('One page.', pageOf('AuditPage', AuditEntry)) },
  },
})

export const verifyAudit = defineRoute({
  method: 'GET',
  url: '/v1/audit:verify',
  access: { role: 'admin' },
  schema: {
    operationId: 'verifyAudit',
    tags: ['audit'],
    summary: 'Recompute the hash chain of the audit trail',
    description: 'Finds the first entry that was changed, removed or inserted.',
    response: { 200: json('The result.', AuditVerification) },
  },
})
