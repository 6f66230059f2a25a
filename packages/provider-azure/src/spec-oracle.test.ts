import { expect, it } from 'vitest'
import { specOracle } from './testing/spec-oracle.ts'

const oracle = specOracle()
const base = 'https://management.azure.com/subscriptions/s/resourceGroups/g/providers/'
const disk = { id: 'x', name: 'd', location: 'westeurope', properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 4 } }
const judge = (more: { method?: string; path?: string; requestBody?: unknown; status?: number; responseBody?: unknown }) =>
  oracle.judge({
    method: more.method ?? 'PUT',
    url: new URL(`${base}${more.path ?? 'Microsoft.Compute/disks/d?api-version=2025-01-02'}`),
    requestBody: more.requestBody ?? { location: 'westeurope', properties: { creationData: { createOption: 'Empty' }, diskSizeGB: 4 } },
    status: more.status ?? 200,
    responseBody: more.responseBody ?? disk,
  })?.problems

it('finds nothing wrong with what the specification describes', () => {
  expect(judge({})).toEqual([])
})

it.each([
  [
    'a member that there is not',
    { requestBody: { location: 'w', propertys: {}, properties: { creationData: { createOption: 'Empty' } } } },
    /request.*propertys/,
  ],
  ['one that is missing', { requestBody: { properties: { creationData: { createOption: 'Empty' } } } }, /request.*required property 'location'/],
  [
    'a word of no enumeration',
    { requestBody: { location: 'w', properties: { creationData: { createOption: 'Emptied' } } } },
    /request.*allowed values/,
  ],
  [
    'a value of another type',
    { requestBody: { location: 'w', properties: { creationData: { createOption: 'Empty' }, diskSizeGB: '4' } } },
    /request.*integer/,
  ],
  ['a query that there is not', { path: 'Microsoft.Compute/disks/d?api-version=1&force=true' }, /unknown query force/],
  ['a path that there is not', { method: 'POST', path: 'Microsoft.Compute/virtualMachines/v/hibernate' }, /no such operation/],
  ['a status that is not declared', { status: 206 }, /206 is not declared/],
  ['a time that is none', { responseBody: { ...disk, properties: { ...disk.properties, timeCreated: 'yesterday' } } }, /response 200.*timeCreated/],
  ['an answer with a member that there is not', { responseBody: { ...disk, volumeId: 'v' } }, /response 200.*volumeId/],
] as const)('finds %s', (_what, exchange, problem) => {
  expect(judge(exchange)).toEqual([expect.stringMatching(problem)])
})
