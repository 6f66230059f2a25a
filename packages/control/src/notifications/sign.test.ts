import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { newWebhookSecret, signedHeaders } from './sign.ts'

describe('a signed webhook', () => {
  test('has the headers of Standard Webhooks, with the time in whole seconds', () => {
    const secret = newWebhookSecret()
    const headers = signedHeaders({ id: 'evt_1', atMs: 1_731_705_121_999, body: '{"a":"ä"}' }, [secret])
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
    expect(headers).toEqual({
      'webhook-id': 'evt_1',
      'webhook-timestamp': '1731705121',
      'webhook-signature': `v1,${createHmac('sha256', key).update(Buffer.from('evt_1.1731705121.{"a":"ä"}', 'utf8')).digest('base64')}`,
    })
  })
  test('has the signature that the documentation of Standard Webhooks libraries gives for its example', () => {
    const example = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', atMs: 1_614_265_330_000, body: '{"test": 2432232314}' }
    expect(signedHeaders(example, ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'])['webhook-signature']).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    )
  })
  test('has one signature per secret, separated by a space', () => {
    const secrets = [newWebhookSecret(), newWebhookSecret()]
    const signable = { id: 'evt_1', atMs: 0, body: '{}' }
    const both = signedHeaders(signable, secrets)['webhook-signature']
    expect(both).toBe(secrets.map((secret) => signedHeaders(signable, [secret])['webhook-signature']).join(' '))
  })
  test('is signed with 32 random bytes', () => {
    const [one, other] = [newWebhookSecret(), newWebhookSecret()]
    expect(one).not.toBe(other)
    expect(one).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  })
})
