import { armShadowSaga, disarmShadowSaga, failoverSaga, proveShadowSaga, provisionShadowSaga, retireShadowSaga } from '@understudy/control'
import type { SagaDeps } from '@understudy/control'
import { runnable } from '@understudy/saga'
import type { RunnableSaga } from '@understudy/saga'

/** Every saga this worker can run. */
export const sagas = (deps: SagaDeps): readonly RunnableSaga[] => [
  runnable(failoverSaga, () => deps),
  runnable(provisionShadowSaga, () => deps),
  runnable(proveShadowSaga, () => deps),
  runnable(armShadowSaga, () => deps),
  runnable(disarmShadowSaga, () => deps),
  runnable(retireShadowSaga, () => deps),
]
