import { expect, it } from 'vitest'
import { gcpAdapter } from './gcp-adapter.ts'

const key = {
  type: 'service_account',
  client_email: 'a@p.iam.gserviceaccount.com',
  private_key: '-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n',
}

it('takes a downloaded key as it is, a token, and the machine’s own account', () => {
  for (const credentials of [key, { accessToken: 't' }, { source: 'default-chain' }])
    expect(gcpAdapter.validate({ settings: {}, credentials })).toEqual([])
})

it('says everything that is wrong at once, and quotes no value', () => {
  const problems = gcpAdapter.validate({
    settings: { endpoint: 'https://u:p@x/path', region: 'x', limits: { read: { capacity: 0, refillPerSecond: 1 } } },
    credentials: { client_email: 'nobody', private_key: 's3cret' },
  })
  expect(problems.map(({ pointer }) => pointer)).toEqual([
    '/settings/region',
    '/settings/endpoint',
    '/settings/limits/read/capacity',
    '/credentials/client_email',
    '/credentials/private_key',
  ])
  expect(JSON.stringify(problems)).not.toContain('s3cret')
})
