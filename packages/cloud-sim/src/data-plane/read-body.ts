import type { IncomingMessage } from 'node:http'

/** A request larger than this is not one of ours. */
const maxBodyBytes = 1_048_576

/** The body of a request to a front, read to its end; `undefined`: it was too large. */
export function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= maxBodyBytes) chunks.push(chunk)
    })
    request.on('end', () => resolve(size > maxBodyBytes ? undefined : Buffer.concat(chunks).toString('utf8')))
    request.on('error', reject)
  })
}
