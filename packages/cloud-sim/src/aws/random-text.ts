import type { Random } from '@understudy/core'

const hexDigits = '0123456789abcdef'

export function randomHex(random: Random, length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += hexDigits[random.int(0, 15)]
  return text
}

/** The form of a version 4 UUID, from an injected source: request and message ids repeat with the seed. */
export function randomUuid(random: Random): string {
  const hex = randomHex(random, 32)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`
}
