import type { OperationHandle } from '@understudy/provider'
import { settleMs, type SimAdapter } from './adapter.ts'

/** True while a state that contradicts the accepted call may still be the old one. */
export const mayBeStale = (adapter: SimAdapter, handle: OperationHandle): boolean => adapter.clock.nowMs() - Date.parse(handle.startedAt) < settleMs
