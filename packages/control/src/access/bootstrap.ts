import { isAppError, now } from '@understudy/core'
import type { Clock, Ids } from '@understudy/core'
import type { Database } from '../database.ts'
import { recordChange } from '../journal/record-change.ts'
import { systemActor } from './access.ts'
import { newApiKey } from './create-api-key.ts'

/** Every installation has this project. The id is fixed, so that of two processes that start together only one can make it. */
const defaultProjectId = 'prj_00000000000000000000'

/**
 * At the first start of an installation: a project and the key of the installation. `undefined` when there are keys already.
 * The secret is nowhere but in the answer.
 */
export async function bootstrap(
  database: Database,
  clock: Clock,
  ids: Ids,
): Promise<{ readonly projectId: string; readonly secret: string } | undefined> {
  if ((await database.stores.access.countKeys()) > 0) return undefined
  const project = { id: defaultProjectId, name: 'default', createdAt: now(clock) }
  const made = newApiKey(
    { clock, ids },
    { projectId: project.id, name: 'installation', role: 'admin', installationAdmin: true, groups: [], expiresAt: undefined },
  )
  try {
    await database.transaction(async (stores) => {
      await stores.access.insertProject(project)
      await stores.access.insertKey(made.key, made.hash)
      const change = { projectId: project.id, actor: systemActor('bootstrap') } as const
      await recordChange({ clock, ids }, stores, {
        ...change,
        what: 'access.project_created',
        subject: `projects/${project.id}`,
        data: { name: project.name },
      })
      await recordChange({ clock, ids }, stores, {
        ...change,
        what: 'access.key_created',
        subject: `api-keys/${made.key.id}`,
        data: { name: made.key.name, role: 'admin' },
      })
    })
  } catch (error) {
    if (isAppError(error, 'already_exists')) return undefined
    throw error
  }
  return { projectId: project.id, secret: made.secret }
}
