import { aws } from './clouds/aws.ts'
import { describeNotice } from './notice.ts'
import { describeWorlds } from './lanes.ts'

const oneCloud = { clouds: [aws], mechanism: 'lb-weight' } as const

describeWorlds(
  'on AWS',
  ['aws'],
  [
    { seed: 405, ...oneCloud },
    { seed: 409, ...oneCloud },
    { seed: 527, ...oneCloud },
  ],
)
describeNotice(aws)
