import type { RollbackPlan as RollbackPlanView } from '@understudy/contract'
import type { RollbackPlan } from '@understudy/control'
import type { z } from 'zod'

export const rollbackPlanView = (plan: RollbackPlan): z.input<typeof RollbackPlanView> => ({
  resourceId: plan.resourceId,
  primary: plan.primary,
  primaryEpoch: plan.primaryEpoch,
  recoveryPointId: plan.pointId,
  manifestHash: plan.manifestHash,
  ...(plan.policy === null ? {} : { policyId: plan.policy.id }),
  selection: selectionView(plan.selection),
  devices: plan.devices.map(({ device, role, present, presentGiB, keptGiB }) => ({ device, role, present, presentGiB, keptGiB })),
  untouched: plan.untouched.map(({ device, disk }) => ({ device, disk })),
  fields: plan.fields.map(({ field, from, to }) => ({ field, from, to })),
  differences: plan.differences.map(({ field, kept, known, now }) => ({ field, kept, known, now })),
  verification: { probes: [...plan.verification.probes], withinSeconds: plan.verification.withinSeconds },
  onFailedVerification: plan.onFailedVerification,
  despite: [...plan.despite],
  steps: plan.steps.map(({ name, title, undo, expectedSeconds }) => ({ name, title, undo, expectedSeconds })),
  downtimeSeconds: plan.downtimeSeconds,
  risks: [...plan.risks],
})

function selectionView(selection: RollbackPlan['selection']): z.input<typeof RollbackPlanView>['selection'] {
  switch (selection.what) {
    case 'everything':
      return { what: 'everything' }
    case 'disks':
      return { what: 'disks', devices: [...selection.devices] }
    case 'paths':
      return { what: 'paths', device: selection.device, mountedAt: selection.mountedAt, paths: [...selection.paths] }
    case 'fields':
      return { what: 'fields', fields: [...selection.fields] }
  }
}
