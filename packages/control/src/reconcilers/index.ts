export * from './driver.ts'
export * from './reconciler.ts'
export * from './orphans.reconciler.ts'
export * from './per-account.ts'
