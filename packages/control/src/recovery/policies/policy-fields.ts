import type { FieldError } from '@understudy/core'
import { isId } from '@understudy/core'
import { labelErrors, textErrors } from '../../fields.ts'
import { copiesMax } from './policy.ts'
import type { PolicyRules, Selector } from './policy.ts'
import { scheduleFault } from './schedule.ts'

export const groupPattern = /^[a-z0-9][a-z0-9-]{0,62}$/
const typePattern = /^[A-Za-z0-9._*-]{1,100}$/

export function policyFieldErrors(input: {
  readonly name?: string | undefined
  readonly appliesTo?: Selector | undefined
  readonly rules: PolicyRules
}): FieldError[] {
  return [...textErrors('/name', input.name, 200), ...selectorErrors(input.appliesTo), ...ruleErrors(input.rules)]
}

function selectorErrors(selector: Selector | undefined): FieldError[] {
  if (selector === undefined) return []
  return [
    ...labelErrors('/appliesTo/labels', selector.labels),
    ...selector.types.flatMap((type, index) =>
      typePattern.test(type) ? [] : [error(`/appliesTo/types/${index}`, 'must be an instance type, with * for anything')],
    ),
    ...groupErrors('/appliesTo/group', selector.group),
  ]
}

const regionPattern = /^[a-z][a-z0-9-]{1,60}$/

function copyErrors(copies: PolicyRules['copies'] = []): FieldError[] {
  return [
    ...(copies.length > copiesMax ? [error('/copies', `must name at most ${copiesMax} regions`)] : []),
    ...copies.flatMap(({ region }, index) => {
      if (!regionPattern.test(region)) return [error(`/copies/${index}/region`, 'must be the name of a region, as the cloud writes it')]
      const isAgain = copies.findIndex((other) => other.region === region) < index
      return isAgain ? [error(`/copies/${index}/region`, 'is named twice')] : []
    }),
  ]
}

function ruleErrors({ schedule, retention, rollBack, drills, copies }: PolicyRules): FieldError[] {
  const { timeZone = 'UTC', window } = drills ?? {}
  const drillFault = scheduleFault({ cron: '* * * * *', timeZone, ...(window === undefined ? {} : { window }) })
  const fault = schedule === undefined ? undefined : scheduleFault(schedule)
  const limits = [retention?.count, retention?.maxAgeSeconds, ...Object.values(retention?.generations ?? {})].filter((limit) => limit !== undefined)
  return [
    ...(fault === undefined ? [] : [error(`/schedule/${fault.field}`, fault.message)]),
    ...(drillFault === undefined ? [] : [error(`/drills/${drillFault.field}`, drillFault.message)]),
    ...(retention !== undefined && limits.length === 0
      ? [error('/retention', 'must name at least one of count, maxAgeSeconds and generations')]
      : []),
    ...copyErrors(copies),
    ...(rollBack?.keys ?? []).flatMap((key, index) => (isId('apiKey', key) ? [] : [error(`/rollBack/keys/${index}`, 'must be the id of a key')])),
    ...(rollBack?.groups ?? []).flatMap((group, index) => groupErrors(`/rollBack/groups/${index}`, group)),
  ]
}

export const groupErrors = (pointer: string, group: string | undefined): FieldError[] =>
  group === undefined || groupPattern.test(group) ? [] : [error(pointer, 'must have 1 to 63 lower-case letters, digits and hyphens')]

const error = (pointer: string, message: string): FieldError => ({ pointer, message })
