import type { ActionTable } from '../call.ts'
import { attributeActions } from './attribute-actions.ts'
import { catalogueActions } from './catalogue-actions.ts'
import { copySnapshot } from './copy-actions.ts'
import { instanceActions } from './instance-actions.ts'
import { networkActions } from './network-actions.ts'
import { spotActions } from './spot-actions.ts'
import { storageActions } from './storage-actions.ts'
import { tagActions } from './tag-actions.ts'

/** Every EC2 action of the simulated region; any other name is `InvalidAction`. */
export const ec2Actions: ActionTable = {
  ...instanceActions,
  ...attributeActions,
  ...tagActions,
  ...storageActions,
  CopySnapshot: copySnapshot,
  ...networkActions,
  ...catalogueActions,
  ...spotActions,
}
