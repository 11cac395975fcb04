import { GodwitError } from "../core/errors.ts";
import { quote } from "./flags/read-value.ts";

/** `["a=1", "b=2"]` → `{ a: "1", b: "2" }`. @throws GodwitError FLAG_INVALID */
export function parsePairs(pairs: readonly string[] | undefined, flag: string): Record<string, string> {
  const entries = (pairs ?? []).map((pair): [string, string] => {
    const at = pair.indexOf("=");
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
    throw new GodwitError("FLAG_INVALID", `${flag} takes key=value, not ${quote(pair)}`, {
      hint: `Write \`${flag} team=search\`.`,
    });
  });
  return Object.fromEntries(entries);
}
