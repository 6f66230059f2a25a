import { seededGoogleImage, seedGoogleRegion } from '@understudy/cloud-sim'
import { gcpAdapter } from '@understudy/provider-gcp'
import type { Cloud } from './cloud.ts'

/** Half a minute, then the instance is stopped; an address that moves belongs to nobody for a while. */
export const google: Cloud = {
  name: 'gcp',
  adapter: gcpAdapter,
  account: { id: 'simulated-project', settings: {}, credentials: { accessToken: 'simulated' } },
  seedRegion: seedGoogleRegion,
  imageId: seededGoogleImage,
  instanceType: 'e2-standard-2',
  smallType: 'e2-small',
  warnsAheadMs: [30_000],
  recommends: false,
  tellsBy: 'queue',
}
