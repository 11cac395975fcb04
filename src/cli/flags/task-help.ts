import { COMMON_FLAG_NAMES } from "../common-flags.ts";
import type { InputFlag, InputShape } from "./input-schema.ts";

/** The flags of a task, for `--help`. */
export function taskHelp(task: string, description: string | null, shape: InputShape): string {
  const lines = [description === null ? `Inputs of ${task}:` : `${description}\n\nInputs of ${task}:`];
  if (shape.kind === "unknown") {
    lines.push(
      "  It has no schema: every `--field value` becomes a field of its input. `--input` gives it as JSON.",
    );
  } else if (shape.kind === "value") {
    lines.push(`  --input <${shape.type}>  as JSON`);
  } else {
    const rows = shape.flags.map((flag) => [usageOf(flag), noteOf(flag)] as const);
    const width = Math.max(0, ...rows.map(([usage]) => usage.length));
    lines.push(...rows.map(([usage, note]) => `  ${usage.padEnd(width)}  ${note}`.trimEnd()));
    if (rows.length === 0) lines.push("  none");
  }
  return lines.join("\n");
}

/** Flags of `run` itself: a field of the same name is given as `--input.name`. */
const TAKEN: ReadonlySet<string> = new Set([
  "input",
  "name",
  "label",
  "context",
  "cache",
  "suspend",
  "strict",
  "priority",
  "recover",
  "external",
  "logs",
  "detach",
  "help",
  ...COMMON_FLAG_NAMES,
]);

function usageOf({ name: given, kind, choices }: InputFlag): string {
  const name = TAKEN.has(given) ? `input.${given}` : given;
  if (kind === "boolean") return `--${name}, --no-${name}`;
  if (choices.length > 0) return `--${name} <${choices.join("|")}>`;
  return `--${name} <${kind === "any" ? "value" : kind}>`;
}

function noteOf({ description, isRequired, fallback }: InputFlag): string {
  const parts = [
    description,
    isRequired ? "(required)" : "",
    fallback === undefined ? "" : `(default ${JSON.stringify(fallback)})`,
  ];
  return parts.filter((part) => part !== "").join(" ");
}
