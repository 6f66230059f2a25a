import type { FieldError, JsonObject } from '@understudy/core'
import type { Adapter } from '@understudy/provider'
import type { Control } from '../context.ts'
import { refuseInvalid, textErrors } from '../fields.ts'
import { outboundUrlErrors } from './outbound-url.gate.ts'

export interface AccountFacts {
  readonly name: string
  readonly provider: string
  readonly region: string
  /** The cloud's own id of it; undefined: `:verify` learns it. */
  readonly nativeAccount?: string | undefined
  readonly settings: JsonObject
  /** Absent: the stored ones stay, and were checked when they came. */
  readonly credentials: JsonObject
}

/** Throws `invalid_request` with every field that is wrong. Calls no cloud: whether the credentials work, `:verify` finds out. */
export function checkAccount(control: Pick<Control, 'providers'>, facts: AccountFacts): void {
  const errors: FieldError[] = [...textErrors('/name', facts.name, 200)]
  if (!/^[a-z0-9][a-z0-9-]{1,39}$/.test(facts.region)) {
    errors.push({ pointer: '/region', message: 'must be the name of a region, such as eu-central-1' })
  }
  const adapter = control.providers.adapter(facts.provider)
  if (adapter === undefined) {
    errors.push({ pointer: '/provider', message: `is not known here. There are: ${control.providers.names.join(', ')}` })
  } else {
    errors.push(...nativeAccountErrors(facts.nativeAccount, adapter.account))
    errors.push(...adapter.validate({ settings: cloudSettings(facts.settings), credentials: facts.credentials }))
  }
  const { probeProxy } = facts.settings
  if (probeProxy !== undefined && (typeof probeProxy !== 'string' || !/^https?:\/\//.test(probeProxy))) {
    errors.push({ pointer: '/settings/probeProxy', message: 'must be the URL of an HTTP proxy' })
  }
  errors.push(...outboundUrlErrors(facts.settings))
  refuseInvalid(firstPerPointer(errors))
}

/** Without what is the application's own, and no adapter knows. */
export function cloudSettings({ probeProxy: _ours, ...settings }: JsonObject): JsonObject {
  return settings
}

function nativeAccountErrors(given: string | undefined, named: Adapter['account']): FieldError[] {
  const pointer = '/nativeAccount'
  if (given === undefined)
    return named === undefined ? [] : [{ pointer, message: `is needed: the credentials alone do not say it. It is ${named.called}` }]
  if (named !== undefined && !named.pattern.test(given)) return [{ pointer, message: `must be ${named.called}` }]
  return textErrors(pointer, given, 100)
}

const firstPerPointer = (errors: readonly FieldError[]): FieldError[] =>
  [...new Map(errors.toReversed().map((error) => [error.pointer, error])).values()].toReversed()
