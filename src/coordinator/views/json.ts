import type { OutcomeView } from "../../client/api.ts";
import type { ErrorRecord, Json } from "../../core/error-record.ts";
import { isSuccess, isTerminal, type Phase } from "../../core/phase.ts";

/** JSON that is stored as text. */
export function stored(text: string): Json {
  return JSON.parse(text) as Json;
}

/** How something that is stored with its phase ended; null while it goes on. */
export function outcomeView(phase: Phase, result: string | null): OutcomeView | null {
  if (!isTerminal(phase) || result === null) return null;
  if (isSuccess(phase)) return { ok: true, value: stored(result) };
  return { ok: false, error: stored(result) as unknown as ErrorRecord };
}
