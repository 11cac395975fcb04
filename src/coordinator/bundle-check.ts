import { GodwitError } from "../core/errors.ts";
import type { Parts } from "./parts.ts";

/** Sees to it that code is there before anything points to it. @throws GodwitError BUNDLE_MISSING */
export async function requireBundle({ bundles }: Pick<Parts, "bundles">, hash: string): Promise<void> {
  if ((await bundles.get(hash)) !== null) return;
  throw new GodwitError("BUNDLE_MISSING", `the bundle ${hash} was not uploaded`);
}
