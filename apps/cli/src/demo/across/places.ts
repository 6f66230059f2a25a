import { dataOf } from '@understudy/contract/client'
import type { components, UnderstudyClient } from '@understudy/contract/client'
import { seededGoogleImage } from '@understudy/cloud-sim'
import type { DemoService } from '../clouds/demo-clouds.ts'

type Place = components['schemas']['ElsewhereInput']

/** What a shadow is made of on each cloud: an own image there, and the network, in the words of that cloud. */
export async function placesOf(
  client: UnderstudyClient,
  resourceId: string,
  accounts: { readonly aws: string; readonly azure: string; readonly gcp: string },
  azure: DemoService['account'],
): Promise<readonly Place[]> {
  const bootData = { from: 'primary' } as const
  const size = { vcpus: 2, memoryMiB: 8192 }
  const arm = (path: string): string =>
    `/subscriptions/${azure.nativeAccount ?? ''}/resourceGroups/${azure.settings['resourceGroup'] ?? ''}/providers/${path}`
  return [
    { accountId: accounts.aws, definition: { ...size, bootData, ...(await homeOf(client, resourceId)) } },
    {
      accountId: accounts.azure,
      definition: {
        ...size,
        bootData,
        image: arm('Microsoft.Compute/images/shop-image'),
        subnet: arm('Microsoft.Network/virtualNetworks/net/subnets/web'),
        securityGroups: [arm('Microsoft.Network/networkSecurityGroups/web')],
      },
    },
    {
      accountId: accounts.gcp,
      definition: {
        ...size,
        bootData,
        image: `projects/sim-images/global/images/${seededGoogleImage}`,
        subnet: 'regions/europe-west1/subnetworks/default',
        securityGroups: ['web'],
      },
    },
  ]
}

/** Where the primary was: a shadow stands there once it has left. */
async function homeOf(client: UnderstudyClient, id: string): Promise<Pick<Place['definition'], 'image' | 'subnet' | 'securityGroups'>> {
  const { definition } = await dataOf(client.GET('/v1/resources/{id}/dna', { params: { path: { id } } }))
  const { image, nics } = definition as {
    readonly image: string
    readonly nics: readonly { readonly subnet: string; readonly securityGroups: string[] }[]
  } // as a definition is
  return { image, subnet: nics[0]?.subnet ?? '', securityGroups: nics[0]?.securityGroups ?? [] }
}
