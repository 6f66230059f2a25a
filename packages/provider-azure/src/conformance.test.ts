import { describeConformance } from '@understudy/provider/conformance'
import { describe, expect, it } from 'vitest'
import { watched } from './testing/watched.ts'
import { wireWorld } from './testing/wire-world.ts'

const wire = watched()

describeConformance('the Azure adapter over the wire', () => wireWorld({ onExchange: wire.onExchange }))

/** What the API versions that the SDK speaks have, and the specifications at hand, which are older, do not. */
const newer: readonly string[] = [
  'Snapshots_CreateOrUpdate response 202: /properties must NOT have additional properties: snapshotAccessState',
  'Snapshots_Get response 200: /properties must NOT have additional properties: snapshotAccessState',
  'Snapshots_List response 200: /value/*/properties must NOT have additional properties: snapshotAccessState',
  'Snapshots_ListByResourceGroup response 200: /value/*/properties must NOT have additional properties: snapshotAccessState',
]
/** What happens only where something goes wrong, or is unusual: judged by the tests of that. */
const elsewhere = [...['Disks_Update', 'NetworkInterfaces_Delete', 'NetworkInterfaces_ListAll', 'PublicIPAddresses_Delete']]

describe('what went over the wire meanwhile', () => {
  it('is what Microsoft’s specifications allow: every request of the adapter, and every answer of the simulated Azure', () => {
    expect(wire.problems().filter((problem) => !newer.includes(problem))).toEqual([])
    expect(newer.filter((problem) => !wire.problems().includes(problem))).toEqual([])
  })

  it('was everything that the extract of them is for', () => {
    expect(wire.unseen().filter((name) => !elsewhere.includes(name))).toEqual([])
  })
})
