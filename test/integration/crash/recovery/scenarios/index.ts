import { capture } from './capture.ts'
import { copy } from './copy.ts'
import { fields } from './fields.ts'
import { paths } from './paths.ts'
import { releaseDisk, restoreDisk } from './restored-disk.ts'
import { rollback } from './rollback.ts'
import type { Scenario } from './scenario.ts'
import { testRollback } from './test-rollback.ts'

export const scenarios: readonly Scenario[] = [capture, copy, rollback, fields, testRollback, restoreDisk, releaseDisk, paths]
