import { sha256 } from '@understudy/core'
import { invalid } from './ebs-error.ts'

const dayMs = 86_400_000
/** How long a block can be asked for, and the next page: https://docs.aws.amazon.com/ebs/latest/userguide/ebs-direct-api-work.html */
const blockTokenMs = 7 * dayMs
const pageTokenMs = 60 * 60_000

/** Says of one block of one snapshot until when it may be read. */
export function blockToken(snapshotId: string, index: number, nowMs: number): string {
  // Of the whole day: a list that is asked for twice has the same tokens.
  const expiresMs = Math.floor(nowMs / dayMs) * dayMs + blockTokenMs
  return sealed(`${snapshotId}/${index}`, expiresMs)
}

export function checkBlockToken(token: string, snapshotId: string, index: number, nowMs: number): void {
  const expiresMs = expiryOf(token)
  if (Number.isNaN(expiresMs) || token !== sealed(`${snapshotId}/${index}`, expiresMs) || expiresMs < nowMs)
    throw invalid('INVALID_BLOCK_TOKEN', 'The block token is not valid or has expired.')
}

export function pageToken(of: string, from: number, nowMs: number): string {
  const expiresMs = nowMs + pageTokenMs
  return Buffer.from(`${from}.${sealed(`${of}#${from}`, expiresMs)}`).toString('base64')
}

/** The index at which the page begins. */
export function readPageToken(token: string, of: string, nowMs: number): number {
  const [from = '', seal = ''] = Buffer.from(token, 'base64')
    .toString()
    .split(/\.(.*)/s)
  const expiresMs = expiryOf(seal)
  if (Number.isNaN(expiresMs) || seal !== sealed(`${of}#${from}`, expiresMs) || expiresMs < nowMs)
    throw invalid('INVALID_PAGE_TOKEN', 'The page token is not valid or has expired.')
  return Number(from)
}

const sealed = (what: string, expiresMs: number): string =>
  Buffer.from(`${expiresMs}.${sha256(`simulated ${what} ${expiresMs}`).slice(0, 32)}`).toString('base64')
const expiryOf = (token: string): number => Number(Buffer.from(token, 'base64').toString().split('.')[0] || Number.NaN)
