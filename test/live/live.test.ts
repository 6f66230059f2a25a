import { describeConformance } from '@understudy/provider/conformance'
import { describe, it } from 'vitest'
import { liveConfig } from './config.ts'

const config = liveConfig()

if (config === undefined) {
  describe('the live lane', () => {
    it.skip('UNDERSTUDY_LIVE is not set: nothing was run against a real account. docs/clouds/README.md says how', () => undefined)
  })
} else {
  describeConformance(`${config.cloud}, on a real account`, async () => {
    // Loaded only now: an adapter's SDK takes seconds.
    const { liveWorld } = await import('./live-world.ts')
    return await liveWorld(config)
  })
}
