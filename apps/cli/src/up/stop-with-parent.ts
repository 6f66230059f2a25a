/**
 * Loaded before each service's own program (`node --import`): ends the service, in order, when the process that started it is
 * gone without having been able to stop it (`kill -9`, a crash). Nobody would stop it later, and it holds the ports.
 */
const graceMs = 10_000
let databasePid: number | undefined

process.on('message', (message: { readonly databasePid?: number }) => (databasePid = message.databasePid))
process.on('disconnect', () => {
  process.kill(process.pid, 'SIGTERM')
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), graceMs).unref()
  process.on('exit', () => {
    if (databasePid !== undefined) endAfterLastConnection(databasePid)
  })
})
// The listeners above would keep a program alive that wants to end.
process.channel?.unref()

/** PostgreSQL takes SIGTERM as "let whoever is connected finish, then end", so every service may say it and none cuts another off. */
function endAfterLastConnection(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM')
  } catch {
    // It has ended already.
  }
}
