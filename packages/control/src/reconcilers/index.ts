export * from './driver.ts'
export * from './reconciler.ts'
