export * from './find-placements.ts'
export * from './place.ts'
export * from './placement.store.ts'
export * from './remember-avoided.ts'
