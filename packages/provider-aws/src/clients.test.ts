import { seededRandom, VirtualClock } from '@understudy/core'
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { awsCalls } from './clients.ts'

it('makes no call whose permission the README does not name, and asks for none that it does not need', async () => {
  const calls = awsCalls({
    scope: { account: '1', region: 'eu-west-1' },
    credentials: 'default-chain',
    installation: 'test',
    clock: new VirtualClock(),
    random: seededRandom(1),
  })
  calls.destroy()
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| (\w+) +\| (?:ebs|ec2|elasticloadbalancing|route53|sqs|ssm|sts):(\w+) +\|/gm)]
  const made = Object.keys(calls).filter((name) => name !== 'destroy')
  expect(new Set(listed.map(([, call]) => call))).toEqual(new Set(made))
  for (const [, call = '', action = ''] of listed) expect(call.toLowerCase().startsWith(action.toLowerCase())).toBe(true)
})
