import type { LogLine } from "../core/protocol.ts";
import type { TaskLog } from "../sdk/session.ts";
import type { SessionHost } from "./host.ts";
import type { Redactor } from "./redactor.ts";

/** What one attempt may log; beyond it lines are counted, not kept, so that a task that prints 50 MB harms nobody. */
const MAX_CHARACTERS = 1_000_000;
const MAX_LINE = 16_000;
/** Lines are sent in bundles: a log line is not worth a transaction of its own. */
const BUNDLE_CHARACTERS = 64_000;
const BUNDLE_MS = 250;

/** The log of one attempt: `ctx().log`, and whatever user code prints. */
export class SessionLog implements TaskLog {
  readonly #lease: string;
  readonly #host: SessionHost;
  #lines: LogLine[] = [];
  #characters = 0;
  #sent = 0;
  #dropped = 0;
  #partial = { stdout: "", stderr: "" };
  #cancel: (() => void) | null = null;

  constructor(lease: string, host: SessionHost) {
    this.#lease = lease;
    this.#host = host;
  }

  get redactor(): Redactor {
    return this.#host.redactor;
  }

  debug(message: string, fields?: Record<string, unknown>): void {
    this.#add("debug", "log", withFields(message, fields));
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.#add("info", "log", withFields(message, fields));
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    this.#add("warn", "log", withFields(message, fields));
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.#add("error", "log", withFields(message, fields));
  }

  /** Text that user code wrote to a stream; cut into lines. */
  print(stream: "stdout" | "stderr", text: string): void {
    if (this.#sent >= MAX_CHARACTERS) {
      this.#dropped += text.length;
      return;
    }
    const lines = (this.#partial[stream] + text).split("\n");
    this.#partial[stream] = this.#cut(lines.pop() ?? "");
    for (const line of lines) this.#add(stream === "stdout" ? "info" : "warn", stream, line);
  }

  /** Sends what is left. */
  flush(): void {
    for (const stream of ["stdout", "stderr"] as const) {
      const rest = this.#partial[stream];
      this.#partial[stream] = "";
      if (rest !== "") this.#add("info", stream, rest);
    }
    if (this.#dropped > 0)
      this.#keep("warn", "log", `${this.#dropped} more characters were printed and not kept`);
    this.#dropped = 0;
    this.#send();
  }

  #add(level: LogLine["level"], stream: LogLine["stream"], text: string): void {
    if (this.#sent >= MAX_CHARACTERS) this.#dropped += text.length + 1;
    else this.#keep(level, stream, text);
  }

  #keep(level: LogLine["level"], stream: LogLine["stream"], text: string): void {
    const line = this.redactor.text(
      text.length > MAX_LINE ? `${this.#cut(text)}… (${text.length} characters)` : text,
    );
    this.#lines.push({ atMs: this.#host.clock.now(), level, stream, text: line });
    this.#characters += line.length;
    this.#sent += line.length + 1;
    if (this.#characters >= BUNDLE_CHARACTERS) this.#send();
    else this.#cancel ??= this.#host.clock.after(BUNDLE_MS, () => this.#send());
  }

  /** A line is cut only after secrets were taken out: half of one would not be found. */
  #cut(text: string): string {
    return text.length > MAX_LINE ? this.redactor.cut(text, MAX_LINE) : text;
  }

  #send(): void {
    this.#cancel?.();
    this.#cancel = null;
    if (this.#lines.length === 0) return;
    this.#host.reportLog(this.#lease, this.#lines);
    this.#lines = [];
    this.#characters = 0;
  }
}

function withFields(message: string, fields: Record<string, unknown> | undefined): string {
  if (fields === undefined || Object.keys(fields).length === 0) return message;
  try {
    return `${message} ${JSON.stringify(fields)}`;
  } catch {
    // A cycle or a bigint in a log line is no reason to fail the task.
    return `${message} ${Object.keys(fields).join(", ")}`;
  }
}
