import { seedAzureRegion } from '@understudy/cloud-sim'
import { azureAdapter } from '@understudy/provider-azure'
import type { Cloud } from './cloud.ts'

const never = 365 * 86_400_000

/** Half a minute at most, known to the guest alone; what is evicted is deallocated, and is started again by nobody. */
export const azure: Cloud = {
  name: 'azure',
  adapter: azureAdapter,
  account: {
    id: '00000000-0000-4000-8000-000000000001',
    settings: { resourceGroup: 'simulated' },
    credentials: {
      source: 'client-secret',
      tenantId: '00000000-0000-4000-8000-000000000002',
      clientId: '00000000-0000-4000-8000-000000000003',
      clientSecret: 'simulated',
    },
  },
  seedRegion: (options) =>
    seedAzureRegion({ ...options, stateChangeEvents: false, latencies: { spotReturn: never, spotRelaunch: never, hibernationAgent: 5000 } }),
  instanceType: 'Standard_D4s_v5',
  smallType: 'Standard_D2s_v5',
  warnsAheadMs: [10_000, 30_000, 30_000],
  recommends: false,
  tellsBy: 'guest',
}
