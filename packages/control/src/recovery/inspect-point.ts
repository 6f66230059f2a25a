import { AppError } from '@understudy/core'
import type { Provider, SnapshotSet } from '@understudy/provider'
import type { SagaDeps } from '../context.ts'
import { requireSnapshots } from './capture-steps.ts'
import { documentHash } from './digests/digests.ts'
import { checkManifests } from './manifest.ts'
import type { Link, Manifest } from './manifest.ts'
import type { Finding, FindingKind, RecoveryPoint } from './recovery-point.ts'

type Inspection = Pick<SagaDeps, 'database' | 'clock'>
const chainPage = 500

/**
 * What is not as it was kept: looked for before anything is stopped, and whenever somebody asks. Reads no bytes of the disks; that others have
 * been found the last time somebody read them is not forgotten.
 */
export async function inspectPoint(deps: Inspection, provider: Provider, point: RecoveryPoint): Promise<readonly Finding[]> {
  if (point.manifest === undefined) throw new AppError('conflict', `The recovery point is ${point.status}: there is nothing to verify.`)
  const links = await chainOf(deps, point)
  const set = await requireSnapshots(provider).get({ setId: point.manifest.disks.set })
  return [
    ...checkManifests(links, deps.clock.nowMs()),
    ...(await checkAudit(deps, point)),
    ...checkDocument(point),
    ...checkSnapshots(point.manifest, set),
    ...remembered(point),
  ]
}

/** The point and all before it, whatever has become of them. */
async function chainOf(deps: Inspection, point: RecoveryPoint): Promise<readonly Link[]> {
  const links: Link[] = []
  let to = point.sequence ?? 0
  for (;;) {
    const page = await deps.database.stores.recoveryPoints.chain(point.resourceId, { to, limit: chainPage })
    links.push(...page.map((link) => linkOf(link)))
    const last = page.at(-1)?.sequence
    if (last === undefined || page.length < chainPage) return links
    to = last - 1
  }
}

function linkOf({ id, sequence, manifest, manifestHash, digests }: RecoveryPoint): Link {
  if (sequence === undefined || manifest === undefined || manifestHash === undefined) throw new Error(`${id} is in a chain and not sealed`) // the table refuses it
  return { id, sequence, manifest, manifestHash, digestsHash: digests?.hash }
}

/** The hash stands in the audit trail too, which is a chain of its own. */
async function checkAudit(deps: Inspection, point: RecoveryPoint): Promise<readonly Finding[]> {
  const entries = await deps.database.stores.audit.list(point.projectId, { after: 0, limit: 1000, target: point.id })
  const captured = entries.find(({ action }) => action === 'recovery_points.captured')
  const recorded = (captured?.details as { readonly manifestHash?: string } | undefined)?.manifestHash
  const digested = entries.findLast(({ action }) => action === 'recovery_points.digested')
  const recordedDigests = (digested?.details as { readonly digestsHash?: string } | undefined)?.digestsHash
  return [
    ...differs('manifest', recorded, point.manifestHash),
    ...(digested === undefined && point.digests?.document === undefined ? [] : differs('document of digests', recordedDigests, point.digests?.hash)),
  ]
}

function differs(what: string, recorded: string | undefined, present: string | undefined): readonly Finding[] {
  if (recorded === present) return []
  const message = `The audit trail has another hash of this ${what} than its row.`
  return [{ kind: 'audit_differs', message, data: { recorded: recorded ?? null, present: present ?? null } }]
}

/** The document is what its hash says, and of this manifest. */
function checkDocument({ digests, manifestHash }: RecoveryPoint): readonly Finding[] {
  const { document, hash } = digests ?? {}
  if (document === undefined) return []
  if (documentHash(document) === hash && document.manifest === manifestHash) return []
  const message = 'The document of digests is not the one that was recorded, or of another manifest.'
  return [{ kind: 'digests_changed', message, data: { recorded: hash ?? null, present: documentHash(document) } }]
}

const remembered = ({ verification }: RecoveryPoint): readonly Finding[] =>
  (verification?.findings ?? []).filter(({ kind }) => kind === 'bytes_changed')

function checkSnapshots({ disks }: Manifest, set: SnapshotSet | undefined): readonly Finding[] {
  const present = new Map((set?.members ?? []).map((member) => [member.deviceKey, member]))
  return disks.members.flatMap(({ device, snapshot, sizeGiB }): readonly Finding[] => {
    const member = present.get(device)
    if (member === undefined)
      return [{ kind: 'snapshot_missing', message: `The snapshot ${snapshot} of ${device} is gone.`, data: { device, snapshot } }]
    if (member.snapshot.nativeId !== snapshot || member.sizeGiB !== sizeGiB) {
      const found = { snapshot: member.snapshot.nativeId, sizeGiB: member.sizeGiB }
      return [
        {
          kind: 'snapshot_changed',
          message: `The snapshot of ${device} is not the one that was kept.`,
          data: { device, kept: { snapshot, sizeGiB }, found },
        },
      ]
    }
    if (member.state === 'usable') return []
    return [{ kind: 'snapshot_unusable', message: `The snapshot ${snapshot} of ${device} is ${member.state}.`, data: { device, snapshot } }]
  })
}

/**
 * Throws `point_damaged`, which names everything that was found. `despite`: kinds that whoever asks knows of, and takes the point
 * all the same; a snapshot that is gone cannot be made up for.
 */
export function refuseDamaged(findings: readonly Finding[], despite: readonly FindingKind[] = []): void {
  const refused = findings.filter(({ kind }) => !despite.includes(kind) || kind === 'snapshot_missing' || kind === 'snapshot_unusable')
  if (refused.length === 0) return
  const named = refused.map(({ kind, message }) => `${kind}: ${message}`).join(' ')
  throw new AppError('point_damaged', `The recovery point is not what was kept. ${named}`, {
    errors: refused.map(({ kind, message }) => ({ pointer: '/recoveryPointId', message: `${kind}: ${message}` })),
    details: { remedy: 'Choose another recovery point, and find out what has changed this one.' },
  })
}
