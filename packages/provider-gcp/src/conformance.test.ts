import { describeConformance } from '@understudy/provider/conformance'
import { gcpWireWorld } from './testing/wire-world.ts'

describeConformance('the Google Cloud adapter over the wire', gcpWireWorld)
