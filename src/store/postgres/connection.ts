import type postgres from "postgres";

type Client = postgres.Sql;
type Options = postgres.Options<Record<string, postgres.PostgresType>>;

/** One answer of the server. */
export type Rows<Row extends object> = readonly Row[] & { readonly count: number; readonly command: string };

export interface ConnectionOptions {
  readonly url: string;
  readonly prepare: boolean;
  readonly connectMs: number;
}

/**
 * One connection, for one user at a time. The client library reconnects by itself and would run the rest of a
 * transaction outside any transaction; so each connection is a client of its own, and one that was lost once is
 * never used again.
 */
export class Connection {
  readonly openedMs: number = performance.now();
  readonly #client: Client;
  #isLost = false;

  private constructor(client: (onClose: () => void) => Client) {
    this.#client = client(() => {
      this.#isLost = true;
    });
  }

  /** Connects. What speaks to databases is loaded only now: most processes never do. */
  static async open(
    options: ConnectionOptions,
    listener: { onNotify?: (payload: string) => void; onClose?: () => void } = {},
  ): Promise<{ readonly connection: Connection; readonly version: string }> {
    const { default: connect } = await import("postgres");
    const connection = new Connection((onClose) => {
      const onclose = (): void => {
        onClose();
        listener.onClose?.();
      };
      const onnotify = (_channel: string, payload: string): void => listener.onNotify?.(payload);
      return connect(options.url, { ...settings(options), onclose, onnotify } as Options);
    });
    try {
      const version = await connection.#firstAnswer(options.connectMs);
      return { connection, version };
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Sends one statement. Statements are executed in the order of these calls; the next need not wait for the last. */
  send<Row extends object>(text: string, parameters: readonly string[] = []): Promise<Rows<Row>> {
    if (this.#isLost) return Promise.reject(connectionLost());
    const isSimple = parameters.length === 0;
    const query = this.#client.unsafe(text, parameters as string[], { prepare: !isSimple });
    return query.execute() as unknown as Promise<Rows<Row>>;
  }

  /** Ends the connection at once; whatever it was doing is rolled back. */
  async close(): Promise<void> {
    this.#isLost = true;
    await this.#client.end({ timeout: 0 });
  }

  /** The library tries for ever to reach a server that accepts connections and hangs up. */
  async #firstAnswer(connectMs: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const tooLate = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const message = `no answer within ${connectMs} ms`;
        reject(Object.assign(new Error(message), { code: "CONNECT_TIMEOUT" }));
      }, connectMs);
    });
    try {
      const rows = await Promise.race([this.send<{ version: string }>("SELECT version()"), tooLate]);
      return rows[0]?.version ?? "";
    } finally {
      clearTimeout(timer);
    }
  }
}

export function connectionLost(): Error {
  return Object.assign(new Error("the connection was lost"), { code: "CONNECTION_CLOSED" });
}

function settings({ prepare, connectMs }: ConnectionOptions): Options {
  return {
    max: 1,
    prepare,
    connect_timeout: Math.ceil(connectMs / 1000),
    // Ages and idle times are the pool's business: the library would close a connection inside a transaction.
    max_lifetime: null,
    idle_timeout: undefined,
    // Array types would cost a round trip per connection; arrays are sent as text.
    fetch_types: false,
    onnotice: () => undefined,
    connection: { application_name: "godwit" },
    types: {
      // bigint, and numeric, which is what sums of it are. Nothing here comes near 2^53.
      integer: { to: 20, from: [20, 1700], parse: Number, serialize: String },
    },
  } as unknown as Options;
}
