import { describe, expect, it } from 'vitest'
import { liveConfig } from './config.ts'

const complete = {
  UNDERSTUDY_LIVE: 'gcp',
  UNDERSTUDY_LIVE_ACCOUNT: 'my-project',
  UNDERSTUDY_LIVE_REGION: 'europe-west1',
  UNDERSTUDY_LIVE_TEMPLATE: '4242',
  UNDERSTUDY_LIVE_ZONES: 'europe-west1-b,europe-west1-c,europe-west1-d',
  UNDERSTUDY_LIVE_TYPE_OTHER: 'e2-standard-4',
}

describe('the live lane', () => {
  it('is not run unless it is asked for', () => {
    expect(liveConfig({})).toBeUndefined()
  })
  it('takes the cloud’s usual credentials when none are given', () => {
    expect(liveConfig(complete)).toMatchObject({ credentials: { source: 'default-chain' }, template: { zone: 'europe-west1-b' }, entryPoints: {} })
  })
  it('says everything that is missing at once, and quotes no secret', () => {
    const broken = { UNDERSTUDY_LIVE: 'gcp', UNDERSTUDY_LIVE_CREDENTIALS: '{"accessToken": "s3cret"', UNDERSTUDY_LIVE_ENTRY_POINTS: '{"pigeon":{}}' }
    const refusal = (): unknown => liveConfig(broken)
    for (const part of ['ACCOUNT is missing', 'CREDENTIALS is no JSON object', 'no mechanism pigeon']) expect(refusal).toThrow(part)
    expect(refusal).not.toThrow(/s3cret/)
  })
})
