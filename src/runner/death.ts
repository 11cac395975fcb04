/** How a process that executed tasks ended, as whoever started it saw. */
export interface ProcessDeath {
  readonly kind: "out_of_memory" | "exited" | "killed";
  /** For people. */
  readonly detail: string;
}

const LAST_WORDS =
  /^(?:<--- Last few GCs --->|FATAL ERROR: |----- Native stack trace -----|#\n# Fatal error)/m;
const OUT_OF_MEMORY = /heap out of memory|Allocation failed/;
const KEPT_CHARACTERS = 64_000;

/** Listens to the stderr of a process until its end, and tells how it died. */
export class DeathListener {
  #words = "";
  #isDying = false;

  /** Gives what of the output is for the user: V8's report of its own death is not. */
  hear(chunk: Buffer): string {
    const text = chunk.toString("utf8");
    if (!this.#isDying) {
      const at = text.search(LAST_WORDS);
      if (at === -1) return text;
      this.#isDying = true;
      this.#words = text.slice(at);
      return text.slice(0, at).trimEnd();
    }
    if (this.#words.length < KEPT_CHARACTERS) this.#words += text;
    return "";
  }

  /** V8's report, for whoever asks for more. */
  get lastWords(): string {
    return this.#words;
  }

  get isOutOfMemory(): boolean {
    return OUT_OF_MEMORY.test(this.#words);
  }

  death(code: number | null, signal: string | null): ProcessDeath {
    if (this.isOutOfMemory) return { kind: "out_of_memory", detail: "the JavaScript heap is full" };
    const detail = signal === null ? `exit code ${code}` : `signal ${signal}`;
    // These come from outside: the user, the operating system when memory is short, or whoever enforces a limit.
    return { kind: signal === "SIGKILL" || signal === "SIGTERM" ? "killed" : "exited", detail };
  }
}
