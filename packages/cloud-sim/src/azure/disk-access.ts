import { ArmError } from './arm-error.ts'
import { type ArmCall, type ArmReply, at, need, oneOf } from './call.ts'
import { blobName } from './blob.ts'
import { begin } from './operations.ts'
import { idOf, notFound } from './storage.ts'

const type = 'Microsoft.Compute/restorePointCollections'
/** Of one restore point of a disk at once. */
const accessesMax = 5

function memberOf(call: ArmCall) {
  const id = `${idOf(call, type, call.params['name'] ?? '')}/restorePoints/${call.params['point'] ?? ''}/diskRestorePoints/${call.params['disk'] ?? ''}`
  const point = call.state.restorePointCollections
    .get(idOf(call, type, call.params['name'] ?? '').toLowerCase())
    ?.points.get((call.params['point'] ?? '').toLowerCase())
  const member = point?.members.find((candidate) => candidate.id.toLowerCase() === id.toLowerCase())
  if (member === undefined) throw notFound(id)
  return member
}

/** An address under which whoever has it can read the disk, until it is revoked or its time is up. */
export const grantAccess = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('DiskRestorePoint_GrantAccess', () => {
    const { id, snapshotId } = memberOf(call)
    need(call.body, 'access')
    oneOf(call.body, 'access', ['Read'])
    const seconds = at(call.body, 'durationInSeconds')
    if (typeof seconds !== 'number' || seconds < 1)
      throw new ArmError(400, 'InvalidParameter', 'The value of parameter durationInSeconds is invalid.')
    if (call.dataCentre.storage.getSnapshot(snapshotId)?.state !== 'completed')
      throw new ArmError(409, 'OperationNotAllowed', 'The restore point is not complete: access to it cannot be granted yet.')
    const atMs = call.dataCentre.now()
    const standing = [...call.state.accesses.values()].filter((access) => access.diskRestorePointId === id && access.expiresAtMs > atMs)
    if (standing.length >= accessesMax)
      throw new ArmError(409, 'OperationNotAllowed', `There are ${standing.length} active shared access signatures already.`)
    const [name, signature] = [blobName(call.state.newId()), Buffer.from(`${call.state.newId()}${call.state.newId()}`).toString('base64')]
    const expiresAtMs = atMs + seconds * 1000
    call.state.accesses.set(name, { diskRestorePointId: id, snapshotId, signature, expiresAtMs })
    const query = new URLSearchParams({ sv: '2018-03-28', sr: 'b', si: call.state.newId(), sig: signature })
    return begin(call, () => 'Succeeded', undefined, 'Microsoft.Compute', { accessSAS: `${call.origin}/${name}/abcd?${query.toString()}` })
  })

/** All that were granted. */
export const revokeAccess = (call: ArmCall): Promise<ArmReply> =>
  call.dataCentre.invoke('DiskRestorePoint_RevokeAccess', () => {
    const { id } = memberOf(call)
    for (const [name, access] of call.state.accesses) if (access.diskRestorePointId === id) call.state.accesses.delete(name)
    return begin(call, () => 'Succeeded')
  })
