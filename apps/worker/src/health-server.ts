import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HealthServer {
  readonly url: string
  close(): Promise<void>
}

export interface HealthAnswers {
  /** Whether this worker consumes, and the database answers. */
  readonly ready: () => Promise<{ readonly ok: boolean; readonly checks: Readonly<Record<string, unknown>> }>
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>
}

/** `/healthz`: the process lives. `/readyz`: it does its work. `/metrics`: Prometheus text. Nothing else, and no secrets. */
export function startHealthServer(options: HealthAnswers & { readonly host: string; readonly port: number }): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, contentType: string, text: string): void => {
      response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(text)
    }
    const respond = async (): Promise<void> => {
      if (request.url === '/healthz') answer(200, 'application/json', '{"status":"ok"}')
      else if (request.url === '/readyz') {
        const { ok, checks } = await options.ready()
        answer(ok ? 200 : 503, 'application/json', JSON.stringify({ status: ok ? 'ok' : 'unavailable', checks }))
      } else if (request.url === '/metrics') {
        const { contentType, text } = await options.metrics()
        answer(200, contentType, text)
      } else answer(404, 'application/json', '{"status":"not found"}')
    }
    respond().catch(() => answer(503, 'application/json', '{"status":"unavailable"}'))
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => {
      const { port } = server.address() as AddressInfo
      resolve({
        url: `http://${options.host}:${port}`,
        close: () =>
          new Promise((done) => {
            server.close(() => done())
            server.closeAllConnections()
          }),
      })
    })
  })
}
