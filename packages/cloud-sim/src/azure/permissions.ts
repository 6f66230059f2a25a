import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, ok } from './call.ts'

const verbs: Readonly<Record<string, string>> = { GET: 'read', PUT: 'write', PATCH: 'write', DELETE: 'delete' }

/** The action that a request needs: `POST …/virtualMachines/x/start` is `Microsoft.Compute/virtualMachines/start/action`. */
function actionOf(method: string, path: string): string | undefined {
  const resource = path.split(/\/providers\//i).at(-1)
  if (resource === undefined || resource === path) return undefined
  const [namespace = '', ...parts] = resource.split('/')
  // Types and names take turns; what a POST ends with is neither.
  const types = parts.filter((_part, index) => index % 2 === 0)
  return `${namespace}/${types.join('/')}/${method === 'POST' ? 'action' : (verbs[method] ?? 'read')}`
}

/** Refuses what the caller's roles lack, in ARM's words. */
export function authorise({ state, method }: Pick<ArmCall, 'state' | 'method'>, path: string): void {
  const action = actionOf(method, path)
  if (action === undefined || !state.denied.has(action.toLowerCase())) return
  throw new ArmError(
    403,
    'AuthorizationFailed',
    `The client '${state.caller}' with object id '${state.caller}' does not have authorization to perform action '${action}' over scope '${path}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  )
}

/** One role that allows everything, less what was taken away. */
export const listPermissions = ({ state }: ArmCall): ArmReply =>
  ok({ value: [{ actions: ['*'], notActions: [...state.denied], dataActions: [], notDataActions: [] }] })
