import { primariesReconciler, shadowsReconciler } from '@understudy/control'
import type { Reconciler } from '@understudy/control'

/** Everything that is looked after without being asked. */
export const reconcilers: readonly Reconciler[] = [shadowsReconciler, primariesReconciler]
