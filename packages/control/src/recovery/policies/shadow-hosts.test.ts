import type { Provider, Traits } from '@understudy/provider'
import { expect, test } from 'vitest'
import type { Principal } from '../../access/access.ts'
import type { Account } from '../../accounts/account.ts'
import type { Control } from '../../context.ts'
import { traits } from '../../testing/builders.ts'
import { refuseImpossibleHosts } from './shadow-hosts.ts'

const principal = { projectId: 'prj_1' } as Principal
/** Accounts whose clouds have these traits; nothing else of them is asked. */
function accountsOf(...hostGroups: readonly Traits['hostGroups'][]): Pick<Control, 'database' | 'providers'> {
  const accounts = hostGroups.map((_one, index) => ({ id: `acc_${index}` }) as Account)
  return {
    database: { stores: { accounts: { list: async () => accounts } } },
    providers: { open: async ({ id }: Account) => ({ traits: { ...traits, hostGroups: hostGroups[Number(id.slice(4))] } }) as Provider },
  } as unknown as Pick<Control, 'database' | 'providers'>
}
const no = { supported: false, reason: 'It reads none.' } as const
const same = { transitions: { shadow: 'same-group', leadSeconds: 3600 } } as const

test('a policy is refused what no account of the project can keep, with the nearest that can', async () => {
  await expect(refuseImpossibleHosts(accountsOf(no, no), principal, same)).rejects.toMatchObject({
    kind: 'unsupported',
    errors: [{ pointer: '/transitions/shadow', message: 'cannot be kept: It reads none. The nearest that can is separate.' }],
    details: { nearest: { transitions: { shadow: 'separate', leadSeconds: 3600 } } },
  })
})

test('a policy is taken where one account can keep it, where there is none yet, and where it asks for something else', async () => {
  await expect(refuseImpossibleHosts(accountsOf(no, { supported: true }), principal, same)).resolves.toBeUndefined()
  await expect(refuseImpossibleHosts(accountsOf(), principal, same)).resolves.toBeUndefined()
  await expect(refuseImpossibleHosts(accountsOf(no), principal, { transitions: { shadow: 'separate' } })).resolves.toBeUndefined()
})
