import { aws } from './clouds/aws.ts'
import { describeWorlds, plain } from './lanes.ts'
import { describeNotice } from './notice.ts'

describeWorlds(
  'on AWS',
  ['aws'],
  [405, 409, 527].map((seed) => ({ seed, ...plain })),
)
describeNotice(aws)
