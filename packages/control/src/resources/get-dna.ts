import type { ResourceDna } from '@understudy/provider'
import type { Principal } from '../access/access.ts'
import type { Control } from '../context.ts'
import { getResource } from './get-resource.ts'

/** The stored definition of the present primary, redacted, and when it was read. */
export async function getDna(
  control: Control,
  principal: Principal,
  input: { readonly id: string },
): Promise<{ readonly dna: ResourceDna; readonly dnaHash: string; readonly dnaAt: Date }> {
  const { dna, dnaHash, dnaAt } = await getResource(control, principal, input)
  return { dna, dnaHash, dnaAt }
}
