import { aws } from './aws.ts'
import { azure } from './azure.ts'
import { google } from './google.ts'
import type { RecoveryCloud } from './recovery-cloud.ts'

export const recoveryClouds: readonly RecoveryCloud[] = [aws, azure, google]
