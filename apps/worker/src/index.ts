export { startWorker } from './worker.ts'
export type { RunningWorker, WorkerOptions } from './worker.ts'
export { sagas } from './sagas.ts'
export { createWebhookSender } from './webhook-sender.ts'
