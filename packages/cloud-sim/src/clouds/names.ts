import { z } from 'zod'
import type { ControlRoutes } from '../control/handle.ts'
import { SimError } from '../datacentre/sim-error.ts'
import type { SeededWorkload } from './cloud-routes.ts'

/** Names of a cloud that has a service for them, and what a client is told that asks for one. */
export interface Names {
  /** A name that answers with one address. Answers what an import needs to be told. */
  add(record: z.infer<typeof nameBody>): Promise<SeededWorkload['traffic']>
  /** As a name server would answer: one address, and for how long a client may keep it. `undefined`: there is no such name. */
  resolve(name: string): { readonly address: string; readonly ttlSeconds: number } | undefined
}

const nameBody = z.strictObject({
  name: z.string().regex(/^([a-z0-9-]+\.){2,}$/),
  address: z.ipv4(),
  ttlSeconds: z.number().int().min(1).max(86_400).default(30),
})

/** Nobody listens on port 53 here: `resolve` is how a client of the simulation asks. */
export const nameRoutes = {
  'POST /names': async ({ names }, body) => ({ traffic: await names.add(nameBody.parse(body)) }),
  'POST /resolve': ({ names }, body) => {
    const { name } = nameBody.pick({ name: true }).parse(body)
    const found = names.resolve(name)
    if (found === undefined) throw new SimError('NXDOMAIN', `Nobody has the name ${name}.`, 404)
    return found
  },
} satisfies ControlRoutes<{ readonly names: Names }>
