/**
 * From the contract's form to Fastify's. A parameter stops at a colon, so that `{id}:drill` is a parameter and a verb; a literal
 * colon is doubled.
 */
export function fastifyUrl(url: string): string {
  return url
    .split(/(\{\w+\})/)
    .map((part) => (part.startsWith('{') ? `:${part.slice(1, -1)}([^/:]+)` : part.replaceAll(':', '::')))
    .join('')
}

/** Recognises concrete paths of a contract URL, for telling "no such route" from "not this method". */
export const pathPattern = (url: string): RegExp =>
  new RegExp(`^${url.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{\w+\}/g, '[^/:]+')}$`)
