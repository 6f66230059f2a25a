import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, type ArmWorld, at, need, oneOf } from './call.ts'
import { blobName } from './blob.ts'
import { begin } from './operations.ts'
import { requireSnapshot } from './snapshots.ts'
import { idOf, notFound } from './resource-id.ts'

const type = 'Microsoft.Compute/restorePointCollections'
/** Of one family of snapshots, or of the restore points of a disk, at once. */
const accessesMax = 5

/** What can be read: the id by which it is asked for, what it can be compared with, and the data centre's snapshot behind it. */
interface Readable {
  readonly id: string
  readonly family: string
  readonly snapshotId: string
}

function restorePointOf(call: ArmCall): Readable {
  const id = `${idOf(call, type, call.params['name'] ?? '')}/restorePoints/${call.params['point'] ?? ''}/diskRestorePoints/${call.params['disk'] ?? ''}`
  const point = call.state.restorePointCollections
    .get(idOf(call, type, call.params['name'] ?? '').toLowerCase())
    ?.points.get((call.params['point'] ?? '').toLowerCase())
  const member = point?.members.find((candidate) => candidate.id.toLowerCase() === id.toLowerCase())
  if (member === undefined) throw notFound(id)
  return { id: member.id, family: `restore points of ${member.disk.id}`, snapshotId: member.snapshotId }
}

/** An address under which whoever has it can read the disk, until it is revoked or its time is up. */
const grant = (operation: string, readableOf: (call: ArmCall) => Readable) => (call: ArmCall) =>
  call.dataCentre.invoke(operation, () => {
    const { id, family, snapshotId } = readableOf(call)
    need(call.body, 'access')
    oneOf(call.body, 'access', ['Read'])
    const seconds = at(call.body, 'durationInSeconds')
    if (typeof seconds !== 'number' || seconds < 1)
      throw new ArmError(400, 'InvalidParameter', 'The value of parameter durationInSeconds is invalid.')
    if (call.dataCentre.storage.getSnapshot(snapshotId)?.state !== 'completed')
      throw new ArmError(409, 'OperationNotAllowed', `${id} is not complete: access to it cannot be granted yet.`)
    const standing = accessesTo(call, (access) => access.family === family)
    if (standing.length >= accessesMax)
      throw new ArmError(409, 'OperationNotAllowed', `There are ${standing.length} active shared access signatures already.`)
    const [name, signature] = [blobName(call.state.newId()), Buffer.from(`${call.state.newId()}${call.state.newId()}`).toString('base64')]
    const expiresAtMs = call.dataCentre.now() + seconds * 1000
    call.state.accesses.set(name, { of: id, family, snapshotId, signature, expiresAtMs })
    const query = new URLSearchParams({ sv: '2018-03-28', sr: 'b', si: call.state.newId(), sig: signature })
    return begin(call, () => 'Succeeded', undefined, 'Microsoft.Compute', { accessSAS: `${call.origin}/${name}/abcd?${query.toString()}` })
  })

/** All that were granted. */
const revoke = (operation: string, readableOf: (call: ArmCall) => Readable) => (call: ArmCall) =>
  call.dataCentre.invoke(operation, () => {
    const { id } = readableOf(call)
    for (const [name, access] of call.state.accesses) if (access.of === id) call.state.accesses.delete(name)
    return begin(call, () => 'Succeeded')
  })

function accessesTo({ state, dataCentre }: ArmWorld, isMeant: (access: { readonly of: string; readonly family: string }) => boolean) {
  return [...state.accesses.values()].filter((access) => isMeant(access) && access.expiresAtMs > dataCentre.now())
}

type Handler = (call: ArmCall) => Promise<ArmReply>
export const grantAccess: Handler = grant('DiskRestorePoint_GrantAccess', restorePointOf)
export const revokeAccess: Handler = revoke('DiskRestorePoint_RevokeAccess', restorePointOf)
export const grantSnapshotAccess: Handler = grant('Snapshots_GrantAccess', requireSnapshot)
export const revokeSnapshotAccess: Handler = revoke('Snapshots_RevokeAccess', requireSnapshot)
