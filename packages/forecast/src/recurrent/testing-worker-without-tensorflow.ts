import { registerHooks } from 'node:module'

registerHooks({
  resolve(specifier, context, next) {
    if (!specifier.startsWith('@tensorflow/')) return next(specifier, context)
    throw Object.assign(new Error(`Cannot find package '${specifier}'`), { code: 'ERR_MODULE_NOT_FOUND' })
  },
})

/** Loaded after the packages have been hidden. */
export async function forecastWithout(task: unknown): Promise<unknown> {
  const { forecastInThread } = await import('../pool/worker.ts')
  return forecastInThread(task as Parameters<typeof forecastInThread>[0])
}
