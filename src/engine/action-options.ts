import type { CallOptions } from "../core/call.ts";
import type { ActionRow } from "../store/rows.ts";

/** Options of an action; most have none, and then nothing is parsed. */
export function optionsOf(row: ActionRow): CallOptions {
  return row.options === "{}" ? {} : (JSON.parse(row.options) as CallOptions);
}
