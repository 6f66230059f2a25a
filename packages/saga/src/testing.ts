export { createMapStore } from './testing-store.ts'
export type { MapStore, OperationsDesk, StoredOperation, Submission } from './testing-store.ts'
export { drive } from './testing-drive.ts'
