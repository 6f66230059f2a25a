import { ArmError } from './arm-error.ts'
import type { ArmCall } from './call.ts'

export const idOf = (call: ArmCall, type: string, name: string): string =>
  `/subscriptions/${call.state.subscription}/resourceGroups/${call.params['group'] ?? ''}/providers/${type}/${name}`

export const notFound = (id: string): ArmError =>
  new ArmError(
    404,
    'ResourceNotFound',
    `The Resource '${id.split('/providers/').pop() ?? id}' under resource group was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  )
