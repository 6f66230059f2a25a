import type { Tier } from '@understudy/control'
import { expect, test } from 'vitest'
import type { Cloud } from './clouds/cloud.ts'
import { inOwnDatabase } from './lanes.ts'

const hot: Tier = {
  shadows: 1,
  readiness: 'hot',
  zones: 'any',
  instanceType: undefined,
  purchase: 'on-demand',
  holdMemory: false,
  proofMaxAgeSeconds: 3600,
  formerPrimary: 'terminate',
}
const fair = { seed: 1, weather: 'fair', services: 3, chaosMinutes: 6, calmMinutes: 6 } as const

/** What the cloud's notice is good for, in worlds in which nothing else goes wrong. */
export function describeNotice(cloud: Cloud): void {
  test(`a running shadow takes over within the notice of ${cloud.name}, every time`, async () => {
    const report = await inOwnDatabase({ ...fair, clouds: [cloud], tier: () => hot })
    expect(report.inTime, 'failovers').toBeGreaterThan(1)
    expect(report).toMatchObject({ late: 0, crashes: 0 })
  }, 900_000)

  test(`without a shadow that runs, a service on ${cloud.name} is replaced, if need be after the instance has gone`, async () => {
    const report = await inOwnDatabase({ ...fair, clouds: [cloud], tier: () => ({ ...hot, readiness: 'cold' }) })
    expect(report.inTime + report.late, 'failovers').toBeGreaterThan(1)
    expect(report.operations['failover failed'] ?? 0).toBe(0)
  }, 900_000)
}
