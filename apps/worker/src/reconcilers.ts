import {
  allRestoreDrillsReconciler,
  deliveriesReconciler,
  fanOutReconciler,
  housekeepingReconciler,
  maintenanceReconciler,
  orphansReconciler,
  policyDrillsReconciler,
  primariesReconciler,
  recoveryDigestsReconciler,
  recoveryPoliciesReconciler,
  recoveryPointsReconciler,
  recoverySpaceReconciler,
  restoreDrillsReconciler,
  restoredDisksReconciler,
  shadowsReconciler,
  transitionsReconciler,
} from '@understudy/control'
import type { Reconciler, WebhookSender } from '@understudy/control'

/** Everything that is looked after without being asked. */
export const reconcilers = (deps: { readonly sender: WebhookSender }): readonly Reconciler[] => [
  shadowsReconciler,
  primariesReconciler,
  maintenanceReconciler,
  orphansReconciler,
  recoveryPointsReconciler,
  recoveryPoliciesReconciler,
  recoveryDigestsReconciler,
  recoverySpaceReconciler,
  transitionsReconciler,
  restoreDrillsReconciler,
  restoredDisksReconciler,
  allRestoreDrillsReconciler,
  policyDrillsReconciler,
  housekeepingReconciler,
  fanOutReconciler,
  deliveriesReconciler(deps.sender),
]
