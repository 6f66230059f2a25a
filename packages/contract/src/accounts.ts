import { z } from 'zod'
import { etag, idOf, idParams, jsonObject, noBody, pageOf, pageQuery, text, time } from './common.ts'
import { acceptedOperation } from './operations.ts'
import { defineRoute, json, noContent } from './route.ts'

export const accountId = idOf('account', 'account')

export const PermissionReport = z
  .object({
    capability: z.string().meta({ description: 'What the permissions are for.', examples: ['snapshots'] }),
    granted: z.array(z.string()),
    missing: z.array(z.string()).meta({ description: "As the cloud's policies write them." }),
    unproven: z
      .array(z.object({ permission: z.string(), reason: z.string() }))
      .meta({ description: 'Could not be asked about without changing anything.' }),
  })
  .meta({ id: 'PermissionReport', description: 'What the credentials may do, as far as the cloud said it.' })

export const Account = z
  .object({
    id: accountId,
    name: z.string(),
    provider: z.string().meta({ description: 'Name of the adapter.', examples: ['aws'] }),
    nativeAccount: z.string().optional().meta({ description: "The cloud's own account id; learnt by `:verify` where it was not given." }),
    region: z.string(),
    settings: jsonObject.meta({ description: 'Settings of the adapter that are not secret. Credentials are never shown.' }),
    status: z.enum(['unverified', 'verified', 'failing']),
    verifiedAt: time.optional(),
    verification: z
      .object({
        principal: z.string().optional(),
        nativeAccount: z.string().optional(),
        errorCode: z.string().optional(),
        message: z.string().optional(),
        remedy: z.string().optional(),
        permissions: z.array(PermissionReport).optional(),
      })
      .optional()
      .meta({ description: 'What the last `:verify` found.' }),
    ingestEnabled: z.boolean().meta({
      description: 'Whether pushed events are accepted: true once an ingest key was made, or where `settings.push` says what the cloud signs.',
    }),
    createdAt: time,
    updatedAt: time,
    etag,
  })
  .meta({ id: 'Account' })

const credentials = jsonObject.meta({ description: 'As the adapter wants them. Sealed before they are stored and never shown again.' })
const settings = jsonObject.meta({ description: 'Settings of the adapter that are not secret: endpoint URLs, a queue URL.' })

const nativeAccount = text(100).meta({
  description: "The cloud's own id of the account. Needed where credentials may reach many: the id of a project, of a subscription.",
})

export const CreateAccount = z
  .strictObject({
    name: text(200),
    provider: text(40).meta({ examples: ['aws'] }),
    region: text(60).meta({ examples: ['eu-central-1'] }),
    nativeAccount: nativeAccount.optional(),
    settings: settings.default({}),
    credentials,
  })
  .meta({ id: 'CreateAccount' })

export const UpdateAccount = z
  .strictObject({
    name: text(200).optional(),
    nativeAccount: nativeAccount.optional(),
    settings: settings.optional(),
    credentials: credentials.optional(),
  })
  .refine((body) => Object.keys(body).length > 0, 'name at least one thing to change')
  .meta({ id: 'UpdateAccount' })

export const IngestKey = z
  .object({ secret: z.string().meta({ description: 'Shown once. The key before it stops working at once.' }) })
  .meta({ id: 'IngestKey' })

const tags = ['accounts'] as const
const params = idParams(accountId)

export const createAccount = defineRoute({
  method: 'POST',
  url: '/v1/accounts',
  access: { role: 'admin', idempotent: true },
  schema: {
    operationId: 'createAccount',
    tags,
    summary: 'Add an account',
    description: 'Settings and credentials are checked for their form only; `:verify` asks the cloud.',
    body: CreateAccount,
    response: { 201: json('The account.', Account) },
  },
})

export const listAccounts = defineRoute({
  method: 'GET',
  url: '/v1/accounts',
  access: { role: 'viewer' },
  schema: {
    operationId: 'listAccounts',
    tags,
    summary: 'List accounts',
    description: 'The accounts of the project.',
    querystring: z.strictObject(pageQuery),
    response: { 200: json('One page.', pageOf('AccountPage', Account)) },
  },
})

export const getAccount = defineRoute({
  method: 'GET',
  url: '/v1/accounts/{id}',
  access: { role: 'viewer' },
  schema: {
    operationId: 'getAccount',
    tags,
    summary: 'Read an account',
    description: 'Its credentials are not part of the answer.',
    params,
    response: { 200: json('The account.', Account) },
  },
})

export const updateAccount = defineRoute({
  method: 'PATCH',
  url: '/v1/accounts/{id}',
  access: { role: 'admin', idempotent: true, ifMatch: true },
  schema: {
    operationId: 'updateAccount',
    tags,
    summary: 'Change an account',
    description: '`settings` and `credentials` are replaced as a whole. The account is unverified afterwards when either was given.',
    params,
    body: UpdateAccount,
    response: { 200: json('The account as it is now.', Account) },
  },
})

export const deleteAccount = defineRoute({
  method: 'DELETE',
  url: '/v1/accounts/{id}',
  access: { role: 'admin', ifMatch: true },
  schema: {
    operationId: 'deleteAccount',
    tags,
    summary: 'Remove an account',
    description: 'Refused while it has resources. Nothing is changed in the cloud.',
    params,
    response: { 204: noContent },
  },
})

export const verifyAccount = defineRoute({
  method: 'POST',
  url: '/v1/accounts/{id}:verify',
  access: { role: 'operator', idempotent: true },
  schema: {
    operationId: 'verifyAccount',
    tags,
    summary: 'Ask the cloud who we are',
    description:
      'Proves endpoint and credentials, learns the native account id, and asks about every permission that is needed, without changing anything. Fails when one is missing that the account needs (it does without those of `commands`); `verification.permissions` says which, by capability.',
    params,
    body: noBody,
    response: { 202: acceptedOperation },
  },
})

export const rotateIngestKey = defineRoute({
  method: 'POST',
  url: '/v1/accounts/{id}:rotateIngestKey',
  access: { role: 'admin', idempotent: true, secret: true },
  schema: {
    operationId: 'rotateIngestKey',
    tags,
    summary: 'Make a new ingest key',
    description: 'The key that pushed events of this account must carry. Making the first one turns pushing on.',
    params,
    body: noBody,
    response: { 200: json('The key, shown once.', IngestKey) },
  },
})
