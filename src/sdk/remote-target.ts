import type { RemoteTarget } from "../core/call.ts";
import { GodwitError } from "../core/errors.ts";
import type { CallTarget } from "./definition.ts";

/** What is known of a task whose code is elsewhere. */
export interface RemoteDefinition extends CallTarget {
  readonly remote: RemoteTarget;
}

/** Whether the code of a task is elsewhere. */
export function isRemote(target: CallTarget): target is RemoteDefinition {
  return "remote" in target;
}

/** Refuses `current` where there is no calling code. @throws GodwitError OPTION_INVALID */
export function checkVersionOutside({ name, remote }: RemoteDefinition): void {
  if (remote.version !== "current") return;
  throw new GodwitError(
    "OPTION_INVALID",
    `remote task \`${name}\`: \`version\` "current" means the version of the calling code, and it was called outside a running task`,
    { hint: 'Name a version, or use "latest".' },
  );
}
