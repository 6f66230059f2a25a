import { google } from './clouds/google.ts'
import { describeNotice } from './notice.ts'
import { describeWorlds } from './lanes.ts'

describeWorlds('on Google Cloud', ['gcp'], [])
describeNotice(google)
