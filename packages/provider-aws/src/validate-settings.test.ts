import { seededRandom, VirtualClock } from '@understudy/core'
import type { JsonObject } from '@understudy/core'
import { describe, expect, it } from 'vitest'
import { awsAdapter } from './aws-adapter.ts'

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' }
const pointers = (account: { settings?: JsonObject; credentials?: JsonObject }) =>
  awsAdapter.validate({ settings: {}, credentials, ...account }).map(({ pointer }) => pointer)

describe('the settings of an AWS account', () => {
  it('are none at all for AWS itself', () => {
    expect(pointers({})).toEqual([])
  })
  it('may name other endpoints, a queue, measured seconds and other limits', () => {
    const settings = {
      endpoint: 'http://127.0.0.1:4566',
      endpoints: { ec2: 'https://ec2.example.net' },
      eventsQueueUrl: 'https://sqs.eu-west-1.amazonaws.com/1/events',
      expectedSeconds: { launch: 20.5 },
      limits: { traffic: { capacity: 1000, refillPerSecond: 500 } },
    }
    expect(pointers({ settings })).toEqual([])
    const provider = awsAdapter.create({
      account: '1',
      region: 'eu-west-1',
      settings,
      credentials,
      installation: 'i',
      clock: new VirtualClock(),
      random: seededRandom(1),
    })
    expect(provider.scope).toEqual({ provider: 'aws', account: '1', region: 'eu-west-1' })
    expect(provider.traits.limits.traffic).toEqual({ capacity: 1000, refillPerSecond: 500 })
    expect(provider.traits.limits.read).toEqual({ capacity: 100, refillPerSecond: 20 })
    expect(provider.traits.expectedSeconds).toMatchObject({ launch: 20.5, start: 40 })
    expect(provider.signals?.receive).toBeTypeOf('function')
    return provider.close()
  })

  it('report every problem where it is', () => {
    const settings = {
      endpoint: 'ftp://x',
      endpoints: { ec2: 'nonsense', cloudfront: 'https://x' },
      eventsQueueUrl: 'https://user:secret@sqs.example.net/q',
      expectedSeconds: { launch: 0 },
      limits: { read: { capacity: 0.5, refillPerSecond: 1 }, mutate: 7 },
      region: 'eu-west-1',
    }
    expect(new Set(pointers({ settings }))).toEqual(
      new Set([
        '/settings/region',
        '/settings/endpoint',
        '/settings/endpoints/cloudfront',
        '/settings/endpoints/ec2',
        '/settings/eventsQueueUrl',
        '/settings/expectedSeconds/launch',
        '/settings/limits/mutate',
        '/settings/limits/read/capacity',
      ]),
    )
  })
})

describe('the credentials of an AWS account', () => {
  it('are an access key pair, or the machine’s own', () => {
    expect(pointers({ credentials: { ...credentials, sessionToken: 't' } })).toEqual([])
    expect(pointers({ credentials: { source: 'default-chain' } })).toEqual([])
  })
  it('report every problem, and quote no value', () => {
    expect(pointers({ credentials: { accessKeyId: 'x y', secretAccessKey: ' ', sessionToken: 7 } })).toEqual([
      '/credentials/accessKeyId',
      '/credentials/secretAccessKey',
      '/credentials/sessionToken',
    ])
    expect(pointers({ credentials: { source: 'a friend' } })).toEqual(['/credentials/source'])
    expect(pointers({ credentials: {} })).toEqual(['/credentials/accessKeyId', '/credentials/secretAccessKey'])
    const messages = awsAdapter.validate({ settings: {}, credentials: { accessKeyId: 'key id', secretAccessKey: 'hunter2', password: 'hunter2' } })
    expect(JSON.stringify(messages)).not.toContain('hunter2')
  })
})
