import { AppError } from '@understudy/core'
import type { Ids } from '@understudy/core'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { problemOf } from '../http/problem.ts'

/** Answers what is not even HTTP, or came too slowly: there is no request to hang a reply on, so it is written by hand. */
export function refuseBrokenRequest(ids: Ids, errorsUrl: string): (error: Error & { code?: string }, socket: Socket) => void {
  return (error, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const problem = problemOf(reasonOf(error.code), { id: ids.next('request'), url: '/' }, errorsUrl)
    const body = JSON.stringify(problem)
    socket.end(
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
}

function reasonOf(code: string | undefined): AppError {
  if (code === 'HPE_HEADER_OVERFLOW') return new AppError('invalid_request', 'The headers are larger than 16 KiB. Send fewer.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new AppError('invalid_request', 'The request came too slowly and was given up.')
  return new AppError('invalid_request', 'This is not a valid HTTP request.')
}
