import type { CallContext, InstanceRef } from '../refs.ts'

/**
 * Scripts inside of instances, through the cloud's own channel to its agent there. Absent where a cloud has none that is fit: why is in
 * `traits.commands`. What is run is kept by the cloud for weeks, where people can read it: a script must hold no secret.
 */
export interface Commands {
  /**
   * Has the instance's shell run a script as the superuser, once for one key, and answers how that stands: call again, a little later,
   * until it has ended. Nothing is remembered between calls. `conflict`: no agent answers (yet); `invalid`: the script is too long.
   */
  run(ref: InstanceRef, script: Script, context: CallContext): Promise<CommandStatus>
  /** How a key's run stands, and never begins one. Nothing there: `undefined`. */
  look(ref: InstanceRef, context: CallContext): Promise<CommandStatus | undefined>
  /** Lets go of what the cloud keeps of a key's run, where it counts what it keeps. Nothing there: succeeds. */
  forget(ref: InstanceRef, context: CallContext): Promise<void>
}

export interface Script {
  /** For `sh`; PowerShell on Windows. At most 8 KiB. */
  readonly text: string
  /** 1 to 3600. What runs longer is ended. */
  readonly timeoutSeconds: number
}

export type CommandStatus =
  | { readonly phase: 'running' }
  | {
      readonly phase: 'ended'
      /** Absent: it did not end by itself. */
      readonly exitCode?: number
      /** As much as the cloud hands out, and at most 4,096 characters: the last ones. */
      readonly output: string
      readonly errorOutput: string
      /** In the cloud's words: `Success`, `TimedOut`. */
      readonly nativeState: string
    }

export const scriptMaxBytes = 8192
export const outputMaxCharacters = 4096
