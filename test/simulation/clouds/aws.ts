import { seedRegion } from '@understudy/cloud-sim'
import { awsAdapter } from '@understudy/provider-aws'
import type { Cloud } from './cloud.ts'

const minutes = 60_000

/** Two minutes of notice, now and then less than they say; recommendations before; what is taken is ended. */
export const aws: Cloud = {
  name: 'aws',
  adapter: awsAdapter,
  account: { id: '123456789012', settings: {}, credentials: { accessKeyId: 'AKIASIMULATED0000000', secretAccessKey: 'simulated' } },
  seedRegion,
  instanceType: 'm7i.large',
  smallType: 't3.small',
  warnsAheadMs: [0.5 * minutes, 2 * minutes, 2 * minutes],
  recommends: true,
  tellsBy: 'queue',
}
