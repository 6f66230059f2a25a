import { describeWorlds } from './lanes.ts'

describeWorlds('with accounts of three clouds', ['aws', 'azure', 'gcp'], [])
