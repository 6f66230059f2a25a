import type { FastifyInstance } from 'fastify'
import { parseJsonText } from '../http/json-text.ts'

/** JSON only. An empty body is no body: actions without parameters need none. */
export function jsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  for (const type of ['application/json', /^application\/[\w.-]+\+json(;|$)/]) {
    app.addContentTypeParser(type, { parseAs: 'string' }, (_request, body, next) => parse(String(body), next))
  }
}

/** Clouds name their JSON in many ways (text/plain, for one), so on these routes everything is read as JSON. */
export function jsonWhateverItSays(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, next) => parse(String(body), next))
}

function parse(text: string, next: (error: Error | null, value?: unknown) => void): void {
  if (text === '') {
    next(null, undefined)
    return
  }
  try {
    next(null, parseJsonText(text))
  } catch (error) {
    next(error as Error)
  }
}
