import type { ActionTable } from '../call.ts'
import { balancerActions } from './balancer-actions.ts'
import { targetActions } from './target-actions.ts'

/** Every Elastic Load Balancing (version 2) action of the simulated region. */
export const elbv2Actions: ActionTable = { ...balancerActions, ...targetActions }
