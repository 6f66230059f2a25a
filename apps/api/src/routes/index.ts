import type { Route } from '../http/route.ts'
import { createProjectRoute } from './projects/create-project.ts'
import { listProjectsRoute } from './projects/list-projects.ts'
import { createApiKeyRoute } from './api-keys/create-api-key.ts'
import { getApiKeyRoute } from './api-keys/get-api-key.ts'
import { listApiKeysRoute } from './api-keys/list-api-keys.ts'
import { revokeApiKeyRoute } from './api-keys/revoke-api-key.ts'
import { listAuditRoute } from './audit/list-audit.ts'
import { verifyAuditRoute } from './audit/verify-audit.ts'
import { createAccountRoute } from './accounts/create-account.ts'
import { deleteAccountRoute } from './accounts/delete-account.ts'
import { getAccountRoute } from './accounts/get-account.ts'
import { listAccountsRoute } from './accounts/list-accounts.ts'
import { rotateIngestKeyRoute } from './accounts/rotate-ingest-key.ts'
import { updateAccountRoute } from './accounts/update-account.ts'
import { verifyAccountRoute } from './accounts/verify-account.ts'
import { getAccountCapabilitiesRoute } from './capabilities/get-account-capabilities.ts'
import { getResourceCapabilitiesRoute } from './capabilities/get-resource-capabilities.ts'
import { deleteResourceRoute } from './resources/delete-resource.ts'
import { getDnaRoute } from './resources/get-dna.ts'
import { getResourceTimelineRoute } from './resources/get-resource-timeline.ts'
import { getResourceRoute } from './resources/get-resource.ts'
import { holdResourceRoute } from './resources/hold-resource.ts'
import { importResourceRoute } from './resources/import-resource.ts'
import { listResourcesRoute } from './resources/list-resources.ts'
import { protectResourceRoute } from './resources/protect-resource.ts'
import { refreshResourceRoute } from './resources/refresh-resource.ts'
import { releaseHoldRoute } from './resources/release-hold.ts'
import { startFailoverRoute } from './resources/start-failover.ts'
import { unprotectResourceRoute } from './resources/unprotect-resource.ts'
import { updateResourceRoute } from './resources/update-resource.ts'
import { armShadowRoute } from './shadows/arm-shadow.ts'
import { disarmShadowRoute } from './shadows/disarm-shadow.ts'
import { drillShadowRoute } from './shadows/drill-shadow.ts'
import { getShadowRoute } from './shadows/get-shadow.ts'
import { listShadowsRoute } from './shadows/list-shadows.ts'
import { promoteShadowRoute } from './shadows/promote-shadow.ts'
import { captureRecoveryPointRoute } from './recovery-points/capture-recovery-point.ts'
import { deleteRecoveryPointRoute } from './recovery-points/delete-recovery-point.ts'
import { getRecoveryPointRoute } from './recovery-points/get-recovery-point.ts'
import { listRecoveryPointsRoute } from './recovery-points/list-recovery-points.ts'
import { lockRecoveryPointRoute } from './recovery-points/lock-recovery-point.ts'
import { undeleteRecoveryPointRoute } from './recovery-points/undelete-recovery-point.ts'
import { verifyRecoveryPointRoute } from './recovery-points/verify-recovery-point.ts'
import { startRollbackRoute } from './rollbacks/start-rollback.ts'
import { createRollbackPolicyRoute } from './rollback-policies/create-rollback-policy.ts'
import { listRollbackPoliciesRoute } from './rollback-policies/list-rollback-policies.ts'
import { getRollbackPolicyRoute } from './rollback-policies/get-rollback-policy.ts'
import { updateRollbackPolicyRoute } from './rollback-policies/update-rollback-policy.ts'
import { deleteRollbackPolicyRoute } from './rollback-policies/delete-rollback-policy.ts'
import { undeleteRollbackPolicyRoute } from './rollback-policies/undelete-rollback-policy.ts'
import { getResourceRollbackPolicyRoute } from './rollback-policies/get-resource-rollback-policy.ts'
import { listComplianceRoute } from './rollback-policies/list-compliance.ts'
import { announceTransitionRoute } from './transitions/announce-transition.ts'
import { listTransitionsRoute } from './transitions/list-transitions.ts'
import { getTransitionRoute } from './transitions/get-transition.ts'
import { postponeTransitionRoute } from './transitions/postpone-transition.ts'
import { preserveTransitionRoute } from './transitions/preserve-transition.ts'
import { rehearseTransitionRoute } from './transitions/rehearse-transition.ts'
import { cancelTransitionRoute } from './transitions/cancel-transition.ts'
import { getRestoredDiskRoute } from './restored-disks/get-restored-disk.ts'
import { listRestoredDisksRoute } from './restored-disks/list-restored-disks.ts'
import { releaseRestoredDiskRoute } from './restored-disks/release-restored-disk.ts'
import { restoreDiskRoute } from './restored-disks/restore-disk.ts'
import { getTestRollbackRoute } from './test-rollbacks/get-test-rollback.ts'
import { listTestRollbacksRoute } from './test-rollbacks/list-test-rollbacks.ts'
import { startTestRollbackRoute } from './test-rollbacks/start-test-rollback.ts'
import { getSigningKeysRoute } from './signing-keys/get-signing-keys.ts'
import { rotateSigningKeyRoute } from './signing-keys/rotate-signing-key.ts'
import { createSignalRoute } from './signals/create-signal.ts'
import { getSignalRoute } from './signals/get-signal.ts'
import { listSignalsRoute } from './signals/list-signals.ts'
import { allowEventsRoute } from './ingest/allow-events.ts'
import { ingestEventsRoute } from './ingest/ingest-events.ts'
import { cancelOperationRoute } from './operations/cancel-operation.ts'
import { getOperationRoute } from './operations/get-operation.ts'
import { listOperationsRoute } from './operations/list-operations.ts'
import { retryOperationRoute } from './operations/retry-operation.ts'
import { skipStepRoute } from './operations/skip-step.ts'
import { streamOperationRoute } from './operations/stream-operation.ts'
import { listEventsRoute } from './events/list-events.ts'
import { createWebhookRoute } from './webhook-endpoints/create-webhook.ts'
import { deleteWebhookRoute } from './webhook-endpoints/delete-webhook.ts'
import { getWebhookRoute } from './webhook-endpoints/get-webhook.ts'
import { listWebhooksRoute } from './webhook-endpoints/list-webhooks.ts'
import { rotateWebhookSecretRoute } from './webhook-endpoints/rotate-webhook-secret.ts'
import { testWebhookRoute } from './webhook-endpoints/test-webhook.ts'
import { updateWebhookRoute } from './webhook-endpoints/update-webhook.ts'
import { listDeliveriesRoute } from './deliveries/list-deliveries.ts'
import { resendDeliveryRoute } from './deliveries/resend-delivery.ts'
import { getDocumentRoute } from './service/get-document.ts'
import { getHealthRoute } from './service/get-health.ts'
import { getMetricsRoute } from './service/get-metrics.ts'
import { getReadinessRoute } from './service/get-readiness.ts'
import { listReconcilersRoute } from './service/list-reconcilers.ts'

/** Every route that is served, in the order of the document. */
export const routes: readonly Route[] = [
  createProjectRoute,
  listProjectsRoute,
  createApiKeyRoute,
  getApiKeyRoute,
  listApiKeysRoute,
  revokeApiKeyRoute,
  listAuditRoute,
  verifyAuditRoute,
  createAccountRoute,
  deleteAccountRoute,
  getAccountRoute,
  listAccountsRoute,
  rotateIngestKeyRoute,
  updateAccountRoute,
  verifyAccountRoute,
  getAccountCapabilitiesRoute,
  getResourceCapabilitiesRoute,
  deleteResourceRoute,
  getDnaRoute,
  getResourceTimelineRoute,
  getResourceRoute,
  holdResourceRoute,
  importResourceRoute,
  listResourcesRoute,
  protectResourceRoute,
  refreshResourceRoute,
  releaseHoldRoute,
  startFailoverRoute,
  unprotectResourceRoute,
  updateResourceRoute,
  armShadowRoute,
  disarmShadowRoute,
  drillShadowRoute,
  getShadowRoute,
  listShadowsRoute,
  promoteShadowRoute,
  captureRecoveryPointRoute,
  deleteRecoveryPointRoute,
  getRecoveryPointRoute,
  listRecoveryPointsRoute,
  lockRecoveryPointRoute,
  undeleteRecoveryPointRoute,
  verifyRecoveryPointRoute,
  startRollbackRoute,
  createRollbackPolicyRoute,
  listRollbackPoliciesRoute,
  getRollbackPolicyRoute,
  updateRollbackPolicyRoute,
  deleteRollbackPolicyRoute,
  undeleteRollbackPolicyRoute,
  getResourceRollbackPolicyRoute,
  listComplianceRoute,
  announceTransitionRoute,
  listTransitionsRoute,
  getTransitionRoute,
  postponeTransitionRoute,
  preserveTransitionRoute,
  rehearseTransitionRoute,
  cancelTransitionRoute,
  restoreDiskRoute,
  listRestoredDisksRoute,
  getRestoredDiskRoute,
  releaseRestoredDiskRoute,
  startTestRollbackRoute,
  listTestRollbacksRoute,
  getTestRollbackRoute,
  getSigningKeysRoute,
  rotateSigningKeyRoute,
  createSignalRoute,
  getSignalRoute,
  listSignalsRoute,
  allowEventsRoute,
  ingestEventsRoute,
  cancelOperationRoute,
  getOperationRoute,
  listOperationsRoute,
  retryOperationRoute,
  skipStepRoute,
  streamOperationRoute,
  listEventsRoute,
  createWebhookRoute,
  deleteWebhookRoute,
  getWebhookRoute,
  listWebhooksRoute,
  rotateWebhookSecretRoute,
  testWebhookRoute,
  updateWebhookRoute,
  listDeliveriesRoute,
  resendDeliveryRoute,
  getDocumentRoute,
  getHealthRoute,
  getMetricsRoute,
  getReadinessRoute,
  listReconcilersRoute,
]
