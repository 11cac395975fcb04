import { randomUUID } from "node:crypto";
import { Connection, type ConnectionOptions } from "./connection.ts";

const CHANNEL = "godwit";
/** Topics of one busy moment travel together; long enough to collect them, too short to be noticed. */
const COLLECT_MS = 2;
/** PostgreSQL takes less than 8,000 bytes. */
const PAYLOAD_BYTES = 7_500;
/** More than this many messages at once say no more than one that means "look at everything". */
const MESSAGES_AT_ONCE = 8;
const EVERYTHING = "*";
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;

/** Packs topics into as few messages as they fit in: `["<sender>", "<topic>", …]`. */
export function messagesOf(sender: string, topics: Iterable<string>): string[] {
  const messages: string[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const topic of topics) {
    const bytes = Buffer.byteLength(JSON.stringify(topic)) + 1;
    if (bytes > PAYLOAD_BYTES - 100) return [JSON.stringify([sender, EVERYTHING])];
    if (size + bytes > PAYLOAD_BYTES) {
      messages.push([sender]);
      size = Buffer.byteLength(sender) + 5;
    }
    messages.at(-1)?.push(topic);
    size += bytes;
  }
  if (messages.length > MESSAGES_AT_ONCE) return [JSON.stringify([sender, EVERYTHING])];
  return messages.map((message) => JSON.stringify(message));
}

/** Sends hints after commits, never as a part of them: a notification inside a transaction would make commits queue. */
export class HintSender {
  /** Tells our own messages, which the process has acted on already. */
  readonly id: string = randomUUID();
  readonly #send: (text: string, messages: readonly string[]) => Promise<void>;
  readonly #topics = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #isStopped = false;

  constructor(send: (text: string, messages: readonly string[]) => Promise<void>) {
    this.#send = send;
  }

  add(topic: string): void {
    if (this.#isStopped) return;
    this.#topics.add(topic);
    if (this.#timer !== undefined || this.#sending !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#flush();
    }, COLLECT_MS);
  }

  /** Sends what is left and stops. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#sending;
    await this.#flush();
  }

  // One message at a time: what comes meanwhile is collected for the next.
  async #flush(): Promise<void> {
    while (this.#topics.size > 0) {
      const messages = messagesOf(this.id, this.#topics);
      this.#topics.clear();
      try {
        await this.#send(
          `SELECT pg_notify('${CHANNEL}', message) FROM unnest($1::text[]) AS message`,
          messages,
        );
      } catch {
        // Whoever missed it looks into the store soon anyway.
        break;
      }
    }
    this.#sending = undefined;
  }
}

/** Listens for other processes' hints on a connection of its own, for as long as somebody watches. */
export class HintListener {
  readonly #options: ConnectionOptions & { readonly onLog: (message: string) => void };
  readonly #ownId: string;
  readonly #watchers = new Set<(topic: string) => void>();
  #connection: Connection | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isListening = false;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(options: ConnectionOptions & { readonly onLog: (message: string) => void }, ownId: string) {
    this.#options = options;
    this.#ownId = ownId;
  }

  watch(onHint: (topic: string) => void): () => void {
    this.#watchers.add(onHint);
    if (!this.#isListening) {
      this.#isListening = true;
      void this.#connect();
    }
    return () => {
      this.#watchers.delete(onHint);
      if (this.#watchers.size === 0) void this.stop();
    };
  }

  async stop(): Promise<void> {
    this.#isListening = false;
    clearTimeout(this.#timer);
    const connection = this.#connection;
    this.#connection = undefined;
    await connection?.close();
  }

  async #connect(): Promise<void> {
    try {
      const { connection } = await Connection.open(this.#options, {
        onNotify: (payload) => this.#receive(payload),
        onClose: () => this.#lose(),
      });
      if (!this.#isListening) return await connection.close();
      this.#connection = connection;
      await connection.send(`LISTEN ${CHANNEL}`);
      this.#pauseMs = FIRST_PAUSE_MS;
      // Whatever was said while nobody listened is lost.
      this.#tell(EVERYTHING);
    } catch (error) {
      if (!this.#isListening) return;
      this.#options.onLog(`no hints from other processes: ${error instanceof Error ? error.message : error}`);
      this.#retry();
    }
  }

  #lose(): void {
    if (this.#connection === undefined) return;
    this.#connection = undefined;
    this.#retry();
  }

  #retry(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#connect(), this.#pauseMs);
    this.#timer.unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  #receive(payload: string): void {
    let message: unknown;
    try {
      message = JSON.parse(payload);
    } catch {
      message = null;
    }
    if (!Array.isArray(message)) return this.#tell(EVERYTHING);
    const [sender, ...topics] = message as string[];
    if (sender !== this.#ownId) for (const topic of topics) this.#tell(topic);
  }

  #tell(topic: string): void {
    for (const watcher of this.#watchers) watcher(topic);
  }
}
