import type { Duration } from "../core/duration.ts";
import { mapAction } from "./action-promise.ts";
import { requireSession } from "./context.ts";
import { checkKeys, checkText, isRecord, optionError } from "./option-check.ts";
import { durationOf } from "./options.ts";
import { jsonSchemaOf, parseWith } from "./schema.ts";
import type { ActionPromise } from "./session.ts";
import type { SchemaOutput, StandardSchema } from "./standard-schema.ts";

/** What is asked of a person or of another system. */
export interface ConditionSettings<Schema extends StandardSchema | undefined> {
  /** Names it in the inbox, the CLI and the API. */
  readonly name: string;
  /** Markdown shown to whoever answers. */
  readonly prompt?: string | undefined;
  /** Standard Schema of the answer; without one any value is accepted. */
  readonly schema?: Schema;
  /** Longest wait. Default: for ever. */
  readonly timeout?: Duration | undefined;
}

/**
 * Waits for an answer from the UI, `godwit signal condition` or the API. The task is parked meanwhile and costs
 * nothing.
 *
 * @example
 * const { approved } = await condition({
 *   name: "release",
 *   prompt: `Release version ${version}?`,
 *   schema: z.object({ approved: z.boolean() }),
 *   timeout: "7d",
 * });
 * @returns the answer as the schema parses it
 * @throws ConditionTimedOutError when nobody answered in time; GodwitError INPUT_INVALID when the schema refuses an
 *   answer that its JSON Schema let through; NOT_IN_TASK outside a running task; OPTION_INVALID
 */
export function condition<Schema extends StandardSchema | undefined = undefined>(
  settings: ConditionSettings<Schema>,
): ActionPromise<Schema extends StandardSchema ? SchemaOutput<Schema> : unknown>;
export function condition(settings: ConditionSettings<StandardSchema | undefined>): ActionPromise<unknown> {
  if (!isRecord(settings)) throw optionError(settings, "condition", "an object with a `name`");
  const { prompt, schema, timeout } = settings;
  const name = checkText(settings.name, "condition: `name`");
  const where = `condition \`${name}\``;
  checkKeys(settings, where, ["name", "prompt", "schema", "timeout"]);
  const answer = requireSession(where).condition({
    name,
    prompt: prompt === undefined ? null : checkText(prompt, `${where}: \`prompt\``),
    schema: schema === undefined ? null : jsonSchemaOf(schema),
    timeoutMs: timeout === undefined ? null : durationOf(timeout, `${where}: \`timeout\``),
  });
  if (schema === undefined) return answer;
  return mapAction(answer, (value) => parseWith(schema, value, { kind: "answer", of: name }));
}
