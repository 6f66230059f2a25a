import { OAuth2Client } from 'google-auth-library'
import { expect, test } from 'vitest'
import { gaxOfSdk } from './gax.ts'

test('the description of the API is read once in a process, whichever client of whichever account asks for it', () => {
  let writings = 0
  const description = {
    nested: {},
    toJSON() {
      writings += 1
      return { nested: {} }
    },
  }
  const clients = Array.from({ length: 3 }, () => new (gaxOfSdk().fallback.GrpcClient)({ authClient: new OAuth2Client() }))
  const [first, ...others] = clients.map((client) => client.loadProtoJSON(description))
  expect(others.every((read) => read === first)).toBe(true)
  expect(writings, 'how often it was written as text, to be compared').toBe(1)
  expect(clients[0]?.loadProtoJSON({ nested: { another: { nested: {} } } }), 'another description').not.toBe(first)
})
