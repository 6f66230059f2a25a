import { contentHash } from '@understudy/core'
import type { Json } from '@understudy/core'
import type { ResourceDna, Traits } from '@understudy/provider'
import { guestCheckName } from '../probes/guest-check.ts'
import { nameOf, noProbes } from '../probes/probe.ts'
import type { RestoreChecks } from '../probes/probe.ts'
import type { Resource } from '../resources/resource.ts'
import type { Manifest } from './manifest.ts'
import type { Finding, FindingKind, RecoveryPoint } from './recovery-point.ts'
import { faultOfPaths } from './restore-paths/chosen-paths.ts'
import type { ChosenPaths } from './restore-paths/chosen-paths.ts'
import { planFields, stopsFor } from './rollback-fields.ts'

/** How a resource goes back to a point: everything that is decided, before anything is done. */
export interface RollbackPlan {
  readonly resourceId: string
  /** A plan for another primary, or another epoch, is refused. */
  readonly primary: string
  readonly primaryEpoch: number
  readonly pointId: string
  readonly manifestHash: string
  /** In force when it was made: an edited policy is another plan. */
  readonly policy: { readonly id: string; readonly version: number } | null
  readonly selection: Selection
  /** Disks that are exchanged, the root first as in the point. */
  readonly devices: readonly PlannedDevice[]
  /** Devices of the instance that stay as they are. */
  readonly untouched: readonly { readonly device: string; readonly disk: string }[]
  /** Fields of the definition that are set back. */
  readonly fields: readonly PlannedField[]
  /** Where the definition differs: in the point, when it was last recorded, and now. Only `fields` are changed back. */
  readonly differences: readonly Difference[]
  readonly wasRunning: boolean
  /** What has to be true of it when it runs again. */
  readonly verification: RestoreChecks
  /** `restore`: a failed verification is a failed rollback, and everything is put back. `keep`: it is told, and stays. */
  readonly onFailedVerification: 'restore' | 'keep'
  /** What is known to be wrong with the point, and is accepted. */
  readonly despite: readonly FindingKind[]
  readonly steps: readonly { readonly name: string; readonly title: string; readonly undo: string; readonly expectedSeconds: number }[]
  /** From the moment it gets no more requests until it gets them again. */
  readonly downtimeSeconds: number
  readonly risks: readonly string[]
}
/** What of the point is brought back. */
export type Selection =
  | { readonly what: 'everything' }
  | { readonly what: 'disks'; readonly devices: readonly string[] }
  | { readonly what: 'fields'; readonly fields: readonly RestorableField[] }
  | ({ readonly what: 'paths' } & ChosenPaths)
/** What an instance that exists can be given anew. Everything else of a definition is decided when it is made. */
export const restorableFields = ['tags', 'protection', 'size'] as const
export type RestorableField = (typeof restorableFields)[number]
/** `to`, and back `from` when it is undone. Tags: only those that change, `null` for one that is not there. */
export type PlannedField =
  | { readonly field: 'tags'; readonly from: TagChange; readonly to: TagChange }
  | { readonly field: 'protection'; readonly from: { readonly terminate: boolean }; readonly to: { readonly terminate: boolean } }
  | { readonly field: 'size'; readonly from: string; readonly to: string; readonly stops: boolean }
export type TagChange = Readonly<Record<string, string | null>>
export type PlannedDevice = {
  readonly device: string
  readonly role: 'root' | 'data'
  /** The disk that is there now. It stays, unplugged. */
  readonly present: string
  readonly deleteWithInstance: boolean
  readonly presentGiB: number
  readonly keptGiB: number
}
export interface Difference {
  readonly field: string
  readonly kept: Json
  readonly known: Json
  readonly now: Json
}

export type RollbackAnswer =
  | { readonly ok: true; readonly plan: RollbackPlan; readonly planHash: string }
  | { readonly ok: false; readonly reason: string }

export interface RollbackQuestion {
  readonly resource: Resource
  readonly point: RecoveryPoint
  /** Of the resource, where one fits. */
  readonly policy?: { readonly id: string; readonly version: number } | undefined
  /** The primary as the cloud describes it now, redacted. */
  readonly present: ResourceDna
  readonly traits: Traits
  /** Disks that we have plugged in beside its own, by their ids: no plan is about them, or made stale by them. Default: none. */
  readonly beside?: ReadonlySet<string>
  /** Left out: all disks of the point. */
  readonly devices?: readonly string[] | undefined
  /** Instead of disks. */
  readonly fields?: readonly RestorableField[] | undefined
  /** Instead of disks: files and directories of one. */
  readonly paths?: ChosenPaths | undefined
  readonly verification?: RestoreChecks | undefined
  readonly onFailedVerification?: 'restore' | 'keep' | undefined
  readonly despite?: readonly FindingKind[] | undefined
  /** What the point was looked at for, and found. */
  readonly findings?: readonly Finding[]
}

/** Makes the plan. Pure: the same world gives the same plan, and so the same hash. */
export function planRollback({ beside = new Set(), ...asked }: RollbackQuestion): RollbackAnswer {
  const present = { ...asked.present, disks: asked.present.disks.filter(({ ref }) => !beside.has(ref.nativeId)) }
  const question = { ...asked, present }
  const { resource, point } = question
  const { manifest, manifestHash } = point
  if (manifest === undefined || manifestHash === undefined) return no(`The recovery point is ${point.status}: there is nothing to go back to.`)
  if (point.accountId !== resource.accountId)
    return no(
      `The disks of this point are in ${point.accountId}, and the resource has moved to ${resource.accountId} since: they cannot be plugged in there.`,
    )
  if (question.fields !== undefined) return fieldsPlan(question, manifest, manifestHash)
  if (question.paths !== undefined) return pathsPlan(question, question.paths, manifest, manifestHash)
  const unknown = question.devices?.filter((device) => !manifest.disks.members.some((member) => member.device === device)) ?? []
  if (unknown.length > 0)
    return no(`The recovery point has no ${unknown.join(', ')}. It has ${manifest.disks.members.map(({ device }) => device).join(', ')}.`)
  const wanted = manifest.disks.members.filter(({ device }) => question.devices?.includes(device) ?? true)
  const devices: PlannedDevice[] = []
  for (const { device, role, sizeGiB: keptGiB } of wanted) {
    const disk = present.disks.find(({ deviceKey }) => deviceKey === device)
    if (disk === undefined) return no(`Nothing is plugged in under ${device} now. Plug a disk in there, or leave it out with devices.`)
    if (disk.role !== role) return no(`${device} was the ${role} disk and is the ${disk.role} disk now.`)
    devices.push({ device, role, present: disk.ref.nativeId, deleteWithInstance: disk.deleteWithInstance, presentGiB: disk.sizeGiB, keptGiB })
  }
  if (devices.length === 0) return no('No disk is chosen.')
  const { stopOneTimeSpot } = question.traits
  if (stopOneTimeSpot?.supported === false && present.spot?.onInterruption === 'terminate') {
    return no(
      `${resource.nativeId} cannot be stopped, which exchanging its disks needs. ${stopOneTimeSpot.reason} Fail over to an on-demand shadow first.`,
    )
  }
  const plan: RollbackPlan = {
    resourceId: resource.id,
    primary: resource.nativeId,
    primaryEpoch: resource.primaryEpoch,
    pointId: point.id,
    manifestHash,
    policy: question.policy === undefined ? null : { id: question.policy.id, version: question.policy.version },
    selection: question.devices === undefined ? { what: 'everything' } : { what: 'disks', devices: devices.map(({ device }) => device) },
    devices,
    untouched: present.disks
      .filter(({ deviceKey }) => !devices.some(({ device }) => device === deviceKey))
      .map(({ deviceKey, ref }) => ({ device: deviceKey, disk: ref.nativeId })),
    fields: [],
    differences: differencesOf(manifest.definition.dna, resource.dna, present),
    wasRunning: present.state === 'running',
    verification: question.verification ?? noProbes,
    onFailedVerification: question.onFailedVerification ?? 'restore',
    despite: [...(question.despite ?? [])].toSorted(),
    ...stepsOf(question, present.state === 'running'),
    risks: risksOf(question, devices),
  }
  return { ok: true, plan, planHash: contentHash(identityOf(plan)) }
}

/** What every plan says of a resource whose disks stay where they are. */
const inPlace = (question: RollbackQuestion, manifest: Manifest, manifestHash: string) => ({
  resourceId: question.resource.id,
  primary: question.resource.nativeId,
  primaryEpoch: question.resource.primaryEpoch,
  pointId: question.point.id,
  manifestHash,
  policy: question.policy === undefined ? null : { id: question.policy.id, version: question.policy.version },
  devices: [],
  untouched: question.present.disks.map(({ deviceKey, ref }) => ({ device: deviceKey, disk: ref.nativeId })),
  differences: differencesOf(manifest.definition.dna, question.resource.dna, question.present),
  wasRunning: question.present.state === 'running',
  verification: question.verification ?? noProbes,
  onFailedVerification: question.onFailedVerification ?? ('restore' as const),
  despite: [...(question.despite ?? [])].toSorted(),
})

function pathsPlan(question: RollbackQuestion, chosen: ChosenPaths, manifest: Manifest, manifestHash: string): RollbackAnswer {
  const { point, present, traits, findings = [] } = question
  const fault = faultOfPaths(chosen)
  if (fault !== undefined) return no(fault)
  const devices = manifest.disks.members.map(({ device }) => device)
  if (!devices.includes(chosen.device)) return no(`The recovery point has no ${chosen.device}. It has ${devices.join(', ')}.`)
  if (!traits.commands.supported) return no(`Nothing can be copied inside of an instance here. ${traits.commands.reason}`)
  if (present.os.family !== 'linux') return no('Paths are copied back on Linux only: have a disk of the point plugged in beside the others instead.')
  if (present.state !== 'running') return no(`${question.resource.nativeId} is ${present.state}: nothing can be copied in a guest that does not run.`)
  const step = (name: string, title: string, undo: string, expectedSeconds: number) => ({ name, title, undo, expectedSeconds })
  const what = chosen.paths.join(', ')
  const plan: RollbackPlan = {
    ...inPlace(question, manifest, manifestHash),
    selection: { what: 'paths', ...chosen },
    fields: [],
    steps: [
      step('gate', 'Check that the world is still as it was planned for', 'nothing to undo', 5),
      step('safety', 'Keep the state of now as a recovery point', 'stays, as a point like any other', 60),
      step('made', 'Make the disk from the recovery point', 'it is deleted', 30),
      step('plugged', 'Plug it in beside the others', 'it is unplugged', 10),
      step('mounted', 'Mount it read-only', 'it is unmounted', 5),
      step('aside', `Put aside what is there now of ${what}`, 'it is let go of', 10),
      step('copied', `Copy back ${what}`, 'what was put aside is put back', 30),
      step('verified', 'Compare them with the point, and see that it passes its checks', 'a failure puts everything back', 60),
      step('cleared', 'Unmount the disk, and let go of what was put aside', 'point of no return', 10),
      step('removed', 'Unplug the disk and delete it', 'point of no return', 10),
      step('recorded', 'Record what has been copied back', 'point of no return', 1),
    ],
    downtimeSeconds: 0,
    risks: [
      `What was written to ${what} since ${point.capturedAt?.toISOString() ?? 'the capture'} is in the safety point only.`,
      'What has a file open goes on with the one of before until it opens it anew.',
      ...(traits.readOnlyDisks.supported ? [] : [traits.readOnlyDisks.reason]),
      ...findings.map(({ kind, message }) => `Known, and accepted: ${kind}. ${message}`),
    ],
  }
  return { ok: true, plan, planHash: contentHash(identityOf(plan)) }
}

/** The definition alone: its disks stay as they are. */
function fieldsPlan(question: RollbackQuestion, manifest: Manifest, manifestHash: string): RollbackAnswer {
  const { resource, present } = question
  const differences = differencesOf(manifest.definition.dna, resource.dna, present)
  const answer = planFields({ ...question, fields: question.fields ?? [], kept: manifest.definition.dna, differences })
  if (!answer.ok) return answer
  const { fields, risks } = answer
  const plan: RollbackPlan = {
    ...inPlace(question, manifest, manifestHash),
    selection: { what: 'fields', fields: fields.map(({ field }) => field) },
    fields,
    ...stepsOf(question, present.state === 'running', fields),
    risks,
  }
  return { ok: true, plan, planHash: contentHash(identityOf(plan)) }
}

const no = (reason: string): RollbackAnswer => ({ ok: false, reason })

/** What is approved: the world that the plan was made for and what is done to it, not how long it may take, nor what our books say. */
const identityOf = ({ steps, differences, downtimeSeconds: _d, risks: _r, ...plan }: RollbackPlan): object => ({
  ...plan,
  differences: differences.filter(({ kept, now }) => contentHash(kept) !== contentHash(now)).map(({ field, now }) => ({ field, now })),
  steps: steps.map(({ name }) => name),
})

/** Fields that a person would look at. The rest of the definition is in the manifest. */
const compared = ['image', 'size', 'purchase', 'nics', 'identity', 'tags', 'protection', 'metadataService'] as const

function differencesOf(then: { readonly [field: string]: Json | undefined }, known: ResourceDna, present: ResourceDna): readonly Difference[] {
  return compared.flatMap((field): readonly Difference[] => {
    const [a, b, c] = [then[field] ?? null, json(known[field]), json(present[field])]
    if (contentHash(a) === contentHash(c) && contentHash(b) === contentHash(c)) return []
    return [{ field, kept: a, known: b, now: c }]
  })
}
const json = (value: unknown): Json => (value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json))

const offlineGraceSeconds = 5
const exchangeSeconds = 15
const applySeconds = 5
const stopSeconds = 30

function stepsOf(
  { traits, resource, verification, onFailedVerification }: RollbackQuestion,
  wasRunning: boolean,
  fields?: readonly PlannedField[],
): Pick<RollbackPlan, 'steps' | 'downtimeSeconds'> {
  const { start, shift } = traits.expectedSeconds
  const asked = [...(verification?.probes ?? []).map((probe) => nameOf(probe)), ...(verification?.checks ?? []).map((check) => guestCheckName(check))]
  const probes = asked.join(', ')
  const verified = {
    ...{ name: 'verified', title: `See that it has booted and passes ${probes === '' ? "the cloud's checks" : `the cloud's checks and ${probes}`}` },
    ...{
      undo: onFailedVerification === 'keep' ? 'a failure is told, and nothing is put back' : 'a failure puts everything back',
      expectedSeconds: 60,
    },
  }
  // Fields alone stop nothing, unless one of them cannot be changed while it runs.
  const stops = wasRunning && (fields === undefined || stopsFor(fields))
  const offline = resource.traffic !== undefined && (fields === undefined || stops)
  const change =
    fields === undefined
      ? { name: 'exchanged', title: 'Exchange the disks', undo: 'the former disks are put back', expectedSeconds: exchangeSeconds }
      : {
          ...{ name: 'applied', title: `Set back: ${fields.map(({ field }) => field).join(', ')}`, undo: 'what is there now is set again' },
          expectedSeconds: applySeconds,
        }
  const steps = [
    { name: 'gate', title: 'Check that the world is still as it was planned for', undo: 'nothing to undo', expectedSeconds: 1 },
    { name: 'safety', title: 'Keep the state of now as a recovery point', undo: 'stays, as a point like any other', expectedSeconds: 60 },
    ...(fields === undefined ? [{ name: 'made', title: 'Make disks from the recovery point', undo: 'they are deleted', expectedSeconds: 30 }] : []),
    ...(offline
      ? [{ name: 'offline', title: 'Stop sending requests to it', undo: 'it gets them again', expectedSeconds: shift + offlineGraceSeconds }]
      : []),
    ...(stops ? [{ name: 'stopped', title: 'Stop it', undo: 'it is started', expectedSeconds: stopSeconds }] : []),
    change,
    ...(stops ? [{ name: 'started', title: 'Start it', undo: 'it is stopped', expectedSeconds: start }] : []),
    ...(wasRunning ? [verified] : []),
    ...(offline ? [{ name: 'online', title: 'Send requests to it again, once it is healthy', undo: 'they stop', expectedSeconds: shift + 30 }] : []),
    {
      name: 'recorded',
      title: fields === undefined ? 'Record what has been exchanged' : 'Record what has been set back',
      undo: 'point of no return',
      expectedSeconds: 1,
    },
  ]
  const from = steps.findIndex(({ name }) => name === 'offline' || name === 'stopped' || name === 'exchanged')
  return { steps, downtimeSeconds: stops ? steps.slice(from, -1).reduce((sum, step) => sum + step.expectedSeconds, 0) : 0 }
}

function risksOf({ resource, point, present, traits, findings = [] }: RollbackQuestion, devices: readonly PlannedDevice[]): readonly string[] {
  const risks: string[] = []
  const since = point.capturedAt?.toISOString() ?? 'the capture'
  risks.push(`What was written to ${devices.map(({ device }) => device).join(', ')} since ${since} is on the former disks only.`)
  if (present.state === 'running') risks.push('Its memory is lost: it is stopped and started.')
  if (present.purchase === 'spot') risks.push('It is interruptible: it may find no capacity when it is started again.')
  if (point.manifest?.disks.consistency === 'none') risks.push('The disks of the point were not kept at one moment.')
  for (const { kind, message } of findings) risks.push(`Known, and accepted: ${kind}. ${message}`)
  for (const { device, presentGiB, keptGiB } of devices) {
    if (presentGiB !== keptGiB) risks.push(`${device} has ${presentGiB} GiB now and will have ${keptGiB}.`)
  }
  if (resource.traffic === undefined) risks.push('No traffic binding: nobody stops sending requests to it meanwhile.')
  if (!traits.multiDiskSnapshot.supported) risks.push(traits.multiDiskSnapshot.reason)
  return risks
}
