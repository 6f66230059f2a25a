import { aws } from './aws.ts'
import { azure } from './azure.ts'
import type { Cloud } from './cloud.ts'
import { google } from './google.ts'

export const clouds: readonly Cloud[] = [aws, azure, google]
