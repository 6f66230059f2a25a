import type { ActionTable, Call, XmlObject } from '../call.ts'
import { compact } from '../compact.ts'
import { invalidValue, missingParameter } from '../fault.ts'
import { SimError } from '../../datacentre/sim-error.ts'
import { tagSet, tagSpecifications } from './common.ts'
import { describeSnapshots } from './storage-actions.ts'

/** All that can be done in the regions beside the simulated one: to keep copies of its snapshots. */
export const otherRegionActions: ActionTable = {
  CopySnapshot: copySnapshot,
  DescribeSnapshots: describeSnapshots,
  DeleteSnapshot: ({ dataCentre, params, region }) => {
    dataCentre.storage.deleteSnapshot(params.required('SnapshotId'), region)
    return { return: true }
  },
}

/**
 * Called in the region of the copy, and names the one of the source. The copy has the tags of the request, none of the source.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopySnapshot.html
 */
export function copySnapshot({ dataCentre, params, region }: Call): XmlObject {
  const from = params.optional('SourceRegion')
  const snapshotId = params.optional('SourceSnapshotId')
  if (from === undefined) throw missingParameter('SourceRegion')
  if (snapshotId === undefined) throw missingParameter('SourceSnapshotId')
  const destination = params.optional('DestinationRegion')
  if (destination !== undefined && destination !== region) throw invalidValue(destination, 'destinationRegion', 'It is the region of the endpoint.')
  if (from !== dataCentre.region) throw new SimError('InvalidSnapshot.NotFound', `The snapshot '${snapshotId}' does not exist in ${from}.`)
  if (region === dataCentre.region) throw new SimError('UnsupportedOperation', 'The simulated region makes no copies within itself.')
  const tags = tagSpecifications(params).get('snapshot') ?? {}
  const kmsKeyId = params.optional('KmsKeyId')
  const encrypted = params.boolean('Encrypted')
  if (kmsKeyId !== undefined && encrypted !== true) throw new SimError('InvalidParameterCombination', 'KmsKeyId needs Encrypted.')
  const copy = dataCentre.storage.copySnapshot(
    compact({ snapshotId, region, description: params.optional('Description'), encrypted, kmsKeyId, tags }),
  )
  return { snapshotId: copy.snapshotId, tagSet: tagSet(copy.tags) }
}
