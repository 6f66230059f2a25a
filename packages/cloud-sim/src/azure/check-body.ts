import type { Json, JsonObject } from '@understudy/core'
import { ArmError } from './arm-error.ts'
import { at } from './call.ts'
import { armSpecification } from './specification.ts'
import type { Misfit } from './specification.ts'

/**
 * Refuses a body that Microsoft's specifications do not allow: without a required member, with one that there is not, with a word that is
 * in no enumeration, or with a value of another type. What the extract of them does not have is left to the handler.
 *
 * @throws ArmError 400 `InvalidParameter` or `InvalidRequestContent`, with a detail per misfit.
 */
export function checkBody(method: string, path: string, text: string, body: JsonObject): void {
  const specification = armSpecification()
  const operation = specification.find(method, path)
  if (operation?.body === undefined || (text === '' && operation.bodyRequired !== true)) return
  const details = specification.check(operation.body, body).map((misfit) => detailOf(misfit, body))
  const [first] = details
  if (first !== undefined) throw new ArmError(400, first.code, first.message, { details })
}

function detailOf({ path, kind, member, allowed, message }: Misfit, body: JsonObject): { readonly code: string; readonly message: string } {
  const full = [path, member].filter((part) => part !== undefined && part !== '').join('.')
  switch (kind) {
    case 'missing':
      return { code: 'InvalidParameter', message: `Required parameter '${full}' is missing (null).` }
    case 'unknown':
      return {
        code: 'InvalidRequestContent',
        message: `Could not find member '${member ?? ''}' on object of type 'ResourceDefinition'. Path '${full}'.`,
      }
    case 'word':
      return {
        code: 'InvalidParameter',
        message: `The value ${shown(at(body, path))} of parameter ${full} is invalid. Allowed values are ${(allowed ?? []).join(',')}.`,
      }
    case 'type':
      return { code: 'InvalidRequestContent', message: `The value of ${full} ${message}.` }
  }
}

const shown = (value: Json | undefined): string => JSON.stringify(value) ?? 'null'
