import type { ErrorRecord, Json } from "../core/error-record.ts";
import type { OutcomeReport } from "../core/protocol.ts";

/** What stands where a secret stood. */
const MASK = "[redacted]";
/** Shorter values are too likely to be ordinary words; nobody should use them as secrets. */
const MIN_CHARACTERS = 6;

/**
 * Takes the values of secrets out of everything a runner writes about a task: lines of its log, its errors and the
 * reasons of its aborts. It knows a value as it is, each line of it, and the ways in which it is usually written:
 * inside JSON, inside a URL, and in base64. Results are the user's data and stay as they are.
 */
export class Redactor {
  readonly #values = new Set<string>();
  /** Longest first, so that a value that contains another is taken as a whole. */
  #forms: readonly string[] = [];
  #pattern: RegExp | null = null;

  /** Learns values; they are known until the process ends, because user code may keep them as long. */
  add(values: Iterable<string>): void {
    const before = this.#values.size;
    for (const value of values) this.#values.add(value);
    if (this.#values.size === before) return;
    const forms = new Set([...this.#values].flatMap(formsOf));
    this.#forms = [...forms].sort((a, b) => b.length - a.length);
    this.#pattern = this.#forms.length === 0 ? null : new RegExp(this.#forms.map(escaped).join("|"), "g");
  }

  /** Whether it knows anything. */
  get isActive(): boolean {
    return this.#pattern !== null;
  }

  text(text: string): string {
    return this.#pattern === null ? text : text.replace(this.#pattern, MASK);
  }

  /** The first `most` characters of a text, without the beginning of a secret at the cut. */
  cut(text: string, most: number): string {
    const whole = this.text(text);
    return whole.length <= most ? whole : this.#withoutBeginning(whole.slice(0, most));
  }

  /** How something ended, as it may be reported. */
  outcome(report: OutcomeReport): OutcomeReport {
    const { outcome } = report;
    if (outcome.ok || this.#pattern === null) return report;
    return { ...report, outcome: { ok: false, error: this.record(outcome.error) } };
  }

  /** An error as it may be reported. Its code, its task and its action are never anything of the user's. */
  record(record: ErrorRecord): ErrorRecord {
    if (this.#pattern === null) return record;
    const { name, message, stack, hint, cause, errors, details, data } = record;
    return {
      ...record,
      name: this.#clipped(name),
      message: this.#clipped(message),
      ...(stack !== undefined && { stack: this.#clipped(stack) }),
      ...(hint !== undefined && { hint: this.#clipped(hint) }),
      ...(cause !== undefined && { cause: this.record(cause) }),
      ...(errors !== undefined && { errors: errors.map((inner) => this.record(inner)) }),
      ...(details !== undefined && { details: this.#json(details) }),
      ...(data !== undefined && { data: this.#json(data) }),
    };
  }

  /** A text that may have been cut in the middle of a secret. */
  #clipped(text: string): string {
    const whole = this.text(text);
    const [, kept, notice] = /^([\s\S]*)(… \[\d+ more characters\])$/.exec(whole) ?? [];
    return kept === undefined ? whole : this.#withoutBeginning(kept) + notice;
  }

  #withoutBeginning(text: string): string {
    for (const form of this.#forms) {
      for (let length = Math.min(form.length - 1, text.length); length >= MIN_CHARACTERS; length--) {
        if (text.endsWith(form.slice(0, length))) return text.slice(0, -length) + MASK;
      }
    }
    return text;
  }

  #json(json: Json): Json {
    if (typeof json === "string") return this.text(json);
    if (typeof json !== "object" || json === null) return json;
    if (Array.isArray(json)) return json.map((item: Json) => this.#json(item));
    return Object.fromEntries(Object.entries(json).map(([key, item]) => [this.text(key), this.#json(item)]));
  }
}

/** How a value may be found in a text. */
function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/);
  const parts = lines.length > 1 ? [value, ...lines.map((line) => line.trim())] : [value];
  return parts
    .filter((part) => part.length >= MIN_CHARACTERS)
    .flatMap((part) => [part, JSON.stringify(part).slice(1, -1), ...encoded(part)]);
}

function encoded(part: string): string[] {
  const bytes = Buffer.from(part, "utf8");
  // Without padding: it is not there at all, or stays behind the mask.
  const base64 = bytes.toString("base64").replace(/=+$/, "");
  return [encodeURIComponent(part.toWellFormed()), base64, bytes.toString("base64url")];
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
