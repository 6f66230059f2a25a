import { sagaDefinitions } from '@understudy/control'
import type { SagaDeps } from '@understudy/control'
import { runnable } from '@understudy/saga'
import type { RunnableSaga } from '@understudy/saga'

/** Every saga this worker can run. */
export const sagas = (deps: SagaDeps): readonly RunnableSaga[] => sagaDefinitions.map((definition) => runnable(definition, () => deps))
