import type * as Core from '@tensorflow/tfjs-core'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export type TensorFlow = typeof Core

/** The packages that training needs, none of which the engine needs otherwise. */
export const optionalPackages = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers', '@tensorflow/tfjs-backend-wasm'] as const

let loading: Promise<TensorFlow | undefined> | undefined

/** TensorFlow.js on WebAssembly, one thread, so that the same input gives the same weights; undefined where it is not installed. */
export function loadTensorFlow(): Promise<TensorFlow | undefined> {
  loading ??= load()
  return loading
}

async function load(): Promise<TensorFlow | undefined> {
  try {
    const core = await import('@tensorflow/tfjs-core')
    // Gradients are registered by loading the layers; nothing else of them is used.
    await import('@tensorflow/tfjs-layers')
    const wasm = await import('@tensorflow/tfjs-backend-wasm')
    const entry = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json')
    wasm.setWasmPaths(join(dirname(entry), 'dist', '/'))
    wasm.setThreadsCount(1)
    await core.setBackend('wasm')
    await core.ready()
    return core
  } catch (error) {
    if (isNotInstalled(error)) return undefined
    throw error
  }
}

function isNotInstalled(error: unknown): boolean {
  const { code, message } = error as { readonly code?: string; readonly message?: string }
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return false
  return optionalPackages.some((name) => message?.includes(name))
}
