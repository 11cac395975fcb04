import { GodwitError } from "../core/errors.ts";
import type { LoadedFile } from "./load.ts";

/** Refuses code that defines two tasks or two environments of one name. @throws GodwitError TASK_DUPLICATE */
export function refuseDuplicates({ bundle, registry }: LoadedFile): void {
  const [name] = registry.conflicts();
  if (name === undefined) return;
  throw new GodwitError("TASK_DUPLICATE", `${bundle.entries.join(", ")} defines \`${name}\` more than once`);
}
