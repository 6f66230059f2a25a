export * from './leftovers.reconciler.ts'
export { sweepLeftoversSaga } from './sweep-leftovers.saga.ts'
