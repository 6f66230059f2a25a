import { AppError } from '@understudy/core'
import type { FieldError } from '@understudy/core'
import type { FastifySchemaCompiler } from 'fastify'
import type { z } from 'zod'
import { escapePointer } from './json-text.ts'

const roots: Record<string, string> = { body: '', querystring: '/query', params: '/path', headers: '/headers' }
const errorsMax = 20

/** Checks a part of a request against its schema; what does not fit becomes `invalid_request` with a pointer for each fault. */
export const zodValidator: FastifySchemaCompiler<z.ZodType> = ({ schema, httpPart }) => {
  const root = roots[httpPart ?? 'body'] ?? ''
  return (data: unknown) => {
    // Fastify says null for a body that is not there; routes without parameters accept that.
    const result = schema.safeParse(httpPart === 'body' && data === null ? undefined : data)
    if (result.success) return { value: result.data }
    return { error: invalid(result.error.issues.flatMap((issue) => faultsOf(issue, root)).slice(0, errorsMax)) }
  }
}

function invalid(errors: readonly FieldError[]): AppError {
  const [first] = errors
  const where = first === undefined || first.pointer === '' ? 'The body' : first.pointer
  const more = errors.length > 1 ? ` And ${errors.length - 1} more: see errors.` : ''
  return new AppError('invalid_request', `${where}: ${first?.message ?? 'is not valid'}.${more}`, { errors })
}

type Issue = z.core.$ZodIssue

function faultsOf(issue: Issue, root: string): FieldError[] {
  const pointer = root + issue.path.map((key) => `/${escapePointer(String(key))}`).join('')
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ pointer: `${pointer}/${escapePointer(key)}`, message: 'is not a known field' }))
  if (issue.code === 'invalid_type' && issue.input === undefined && issue.message.endsWith('received undefined'))
    return [{ pointer, message: 'is required' }]
  return [{ pointer, message: lowerFirst(issue.message) }]
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1)
