import { describeConformance } from '@understudy/provider/conformance'
import { wireWorld } from './testing/wire-world.ts'

describeConformance('the Azure adapter over the wire', wireWorld)
