export { chosenPathsSchema, faultOfPaths } from './chosen-paths.ts'
export type { ChosenPaths } from './chosen-paths.ts'
export { restorePathsSaga } from './restore-paths.saga.ts'
