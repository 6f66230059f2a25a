import type { Json, JsonObject } from '@understudy/core'
import { isRedacted } from '../resources/redact.ts'
import type { Difference, PlannedField, RestorableField, RollbackQuestion, TagChange } from './rollback-plan.ts'

export interface FieldsQuestion extends Pick<RollbackQuestion, 'resource' | 'present' | 'traits' | 'findings'> {
  readonly fields: readonly RestorableField[]
  /** The definition of the point, redacted as the present one is. */
  readonly kept: { readonly [field: string]: Json | undefined }
  readonly differences: readonly Difference[]
}
export type FieldsAnswer =
  | { readonly ok: true; readonly fields: readonly PlannedField[]; readonly risks: readonly string[] }
  | { readonly ok: false; readonly reason: string }

/** Fields that cannot be changed while the instance runs. */
export const stopsFor = (fields: readonly PlannedField[]): boolean => fields.some((field) => field.field === 'size' && field.stops)

/** What has to be set so that these fields are as the point has them. Pure. A field that is as it was is left out. */
export function planFields(question: FieldsQuestion): FieldsAnswer {
  const { fields: chosen, kept, present, differences, findings = [] } = question
  const risks: string[] = []
  const fields: PlannedField[] = []
  for (const field of new Set(chosen)) {
    const then = kept[field]
    if (then === undefined || then === null) return no(`The recovery point does not say what its ${field} was.`)
    const planned = planners[field](then as JsonObject, question)
    if ('reason' in planned) return no(planned.reason)
    risks.push(...planned.risks)
    if (planned.field === undefined) continue
    fields.push(planned.field)
    const difference = differences.find((found) => found.field === field)
    if (difference !== undefined && JSON.stringify(difference.known) !== JSON.stringify(difference.now))
      risks.push(`${field} has been changed since it was last recorded: what somebody has set since is lost.`)
  }
  if (fields.length === 0) return no(`Nothing of ${chosen.join(', ')} differs from the recovery point: there is nothing to set back.`)
  if (stopsFor(fields) && present.state === 'running') risks.push('Its memory is lost: it is stopped and started.')
  for (const { kind, message } of findings) risks.push(`Known, and accepted: ${kind}. ${message}`)
  return { ok: true, fields, risks }
}

const no = (reason: string): FieldsAnswer => ({ ok: false, reason })
type Planned = { readonly field: PlannedField | undefined; readonly risks: readonly string[] } | { readonly reason: string }

const planners: Record<RestorableField, (then: JsonObject, question: FieldsQuestion) => Planned> = {
  tags: (then, { present, traits }) => planTags(then as Readonly<Record<string, string>>, present.tags, traits.reservedTags ?? []), // as the definition has them
  protection(then, { present }) {
    const [to, from] = [then['terminate'] === true, present.protection.terminate]
    const risks = then['stop'] === present.protection.stop ? [] : ['Protection against being stopped differs too, and is not set back.']
    return { field: to === from ? undefined : { field: 'protection', from: { terminate: from }, to: { terminate: to } }, risks }
  },
  size(then, { present, traits: { resize, stopOneTimeSpot } }) {
    const [to, from] = [String(then['type']), present.size.type]
    if (to === from) return { field: undefined, risks: [] }
    if (!resize.supported) return { reason: resize.reason }
    if (present.purchase === 'spot' && !resize.spot) return { reason: 'An interruptible instance cannot be resized on this cloud.' }
    const stops = resize.requires !== 'none'
    if (stops && stopOneTimeSpot?.supported === false && present.spot?.onInterruption === 'terminate') return { reason: stopOneTimeSpot.reason }
    return { field: { field: 'size', from, to, stops }, risks: [`It may find no capacity as ${to} when it is started: then it is ${from} again.`] }
  },
}

function planTags(then: Readonly<Record<string, string>>, now: Readonly<Record<string, string>>, reserved: readonly string[]): Planned {
  const from: Record<string, string | null> = {}
  const to: Record<string, string | null> = {}
  const secret: string[] = []
  for (const key of [...new Set([...Object.keys(then), ...Object.keys(now)])].toSorted()) {
    const [a, b] = [then[key] ?? null, now[key] ?? null]
    if (a === b || reserved.some((prefix) => key.startsWith(prefix))) continue
    // Neither kept, nor to be had from a plan that people read: what cannot be put back is not taken away.
    if ([a, b].some((value) => value !== null && isRedacted(value))) secret.push(key)
    else {
      from[key] = b
      to[key] = a
    }
  }
  const risks = secret.length === 0 ? [] : [`Tags that look like secrets were not kept, and stay as they are: ${secret.join(', ')}.`]
  return { field: Object.keys(to).length === 0 ? undefined : { field: 'tags', from: from satisfies TagChange, to }, risks }
}
