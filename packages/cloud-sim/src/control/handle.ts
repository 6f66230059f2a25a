import { ZodError } from 'zod'
import { SimError } from '../datacentre/sim-error.ts'

export interface ControlReply {
  readonly status: number
  readonly body: unknown
}

/** What answers, by method and path. */
export type ControlRoutes<Controlled> = Readonly<Record<string, (controlled: Controlled, body: unknown) => unknown>>

/** Answers one request below `/_sim`. `path` is what follows. */
export async function handleControl<Controlled>(
  routes: ControlRoutes<Controlled>,
  controlled: Controlled,
  { method, path, text }: { readonly method: string; readonly path: string; readonly text: string },
): Promise<ControlReply> {
  const name = `${method} ${path}`
  const handler = Object.hasOwn(routes, name) ? routes[name] : undefined
  if (handler === undefined) return { status: 404, body: { error: `there is no ${name}`, routes: Object.keys(routes) } }
  try {
    return { status: 200, body: await handler(controlled, text === '' ? {} : JSON.parse(text)) }
  } catch (error) {
    if (error instanceof SyntaxError) return { status: 400, body: { error: 'the body is not JSON' } }
    if (error instanceof ZodError)
      return {
        status: 400,
        body: {
          error: 'the body is not as this route wants it',
          issues: error.issues.map(({ path: at, message }) => ({ at: at.join('.'), message })),
        },
      }
    if (error instanceof SimError) return { status: error.status, body: { error: error.message, code: error.code } }
    if (error instanceof RangeError) return { status: 400, body: { error: error.message } }
    throw error
  }
}
