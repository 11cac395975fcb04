import type { Hono } from "hono";
import { createCoordinator } from "../../src/coordinator/app.ts";
import type { Scope } from "../../src/coordinator/auth/api-key.ts";
import { createApiKey } from "../../src/coordinator/auth/api-keys.ts";
import type { CoordinatorEnv, CoordinatorOptions, LogEntry } from "../../src/coordinator/parts.ts";
import type { DeployedTask } from "../../src/core/deployment.ts";
import type { Outcome } from "../../src/core/outcome.ts";
import type { ExchangeReply, ExchangeRequest, LeaseGrant } from "../../src/core/protocol.ts";
import { EngineCore } from "../../src/engine/core.ts";
import { systemClock } from "../../src/ports/clock.ts";
import { systemRandom } from "../../src/ports/random.ts";
import { insertDeployment, wholeDeployment } from "../../src/store/deployments.ts";
import type { SqlDriver } from "../../src/store/driver.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

export const SIGNING_KEY: Uint8Array = new Uint8Array(32).fill(7);

/** A coordinator on a database in memory. */
export interface System {
  readonly app: Hono<CoordinatorEnv>;
  readonly core: EngineCore;
  readonly logs: LogEntry[];
  /** Sends a request with a JSON body. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
  close(): Promise<void>;
}

export async function openSystem(
  options: Partial<CoordinatorOptions> & { readonly now?: () => number; readonly driver?: SqlDriver } = {},
): Promise<System> {
  const driver = options.driver ?? openSqlite({ path: ":memory:", synchronous: "off" });
  await migrate(driver);
  const clock = options.now === undefined ? systemClock : { ...systemClock, now: options.now };
  const core = new EngineCore({ driver, clock, random: systemRandom });
  const logs: LogEntry[] = [];
  const app = createCoordinator({
    core,
    auth: { mode: "open" },
    signingKey: SIGNING_KEY,
    onLog: (entry) => logs.push(entry),
    ...options,
  });
  return {
    app,
    core,
    logs,
    send: async (method, path, body, headers = {}) =>
      app.request(path, {
        method,
        headers: { ...(body !== undefined && { "Content-Type": "application/json" }), ...headers },
        ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
    close: () => driver.close(),
  };
}

/** The JSON of a reply that must have the given status. */
export async function json<Body>(reply: Response | Promise<Response>, status: number): Promise<Body> {
  const got = await reply;
  const text = await got.text();
  if (got.status !== status) throw new Error(`${got.status} instead of ${status}: ${text}`);
  return (text === "" ? null : JSON.parse(text)) as Body;
}

export async function keyFor(
  { core }: System,
  scopes: readonly Scope[],
  more: { readonly project?: string; readonly expiresMs?: number } = {},
): Promise<Record<string, string>> {
  const { key } = await createApiKey(core, { name: "test", scopes, ...more });
  return { Authorization: `Bearer ${key}` };
}

/** A runner whose exchanges are written by hand. */
export class HandRunner {
  readonly id: string;
  readonly #system: System;
  readonly #headers: Record<string, string>;
  readonly #pools: readonly string[];
  #number = 1;

  constructor(
    system: System,
    id = "runner-1",
    headers: Record<string, string> = {},
    pools: readonly string[] = ["*"],
  ) {
    this.#system = system;
    this.id = id;
    this.#headers = headers;
    this.#pools = pools;
  }

  request(part: Partial<ExchangeRequest> = {}): ExchangeRequest {
    const runner = { id: this.id, pools: this.#pools, slots: 8, backend: "local", host: "here", pid: 1 };
    return { runner, channel: "report", number: this.#number, want: 0, ...part };
  }

  async report(part: Partial<ExchangeRequest> = {}): Promise<ExchangeReply> {
    const path = "/internal/v1/report";
    const reply = await json<ExchangeReply>(
      this.#system.send("POST", path, this.request(part), this.#headers),
      200,
    );
    if (reply.closed) this.#number += 1;
    return reply;
  }

  /** Takes what is queued. */
  async lease(want = 8): Promise<readonly LeaseGrant[]> {
    const reply = await this.report({ want });
    return reply.leases;
  }

  async finish(lease: string, outcome: Outcome): Promise<ExchangeReply> {
    return this.report({ outcomes: [{ lease, outcome, startedMs: 1, endedMs: 2 }] });
  }
}

export const DEPLOYMENT = {
  version: "v1",
  source: { file: "hello.ts" },
  tasks: [
    {
      name: "hello.main",
      description: "Doubles",
      inputSchema: {
        $schema: "https://json-schema.org/draft/2020-12/schema",
        type: "object",
        properties: { x: { type: "number" }, names: { type: "array", items: { type: "string" } } },
        required: ["x"],
        additionalProperties: false,
      },
      options: { retries: { count: 2 } },
      codeHash: "c1",
    },
    { name: "hello.free" },
  ],
};

/** {@link DEPLOYMENT}, or something else, as it is in the store. */
export interface Deployed {
  readonly id?: string;
  readonly project?: string;
  readonly domain?: string;
  readonly environment?: string;
  readonly version?: string;
  readonly bundle?: string;
  readonly dependsOn?: Readonly<Record<string, string>>;
  readonly tasks?: readonly DeployedTask[];
}

/** Deploys {@link DEPLOYMENT} under an id that tests can name, `d1`. */
export async function deploy({ core }: System, more: Deployed = {}): Promise<void> {
  const { id = "d1", tasks = DEPLOYMENT.tasks, environment = "hello", dependsOn = {}, ...place } = more;
  const { version = id === "d1" ? DEPLOYMENT.version : id, bundle = id } = more;
  const whole = wholeDeployment({ ...DEPLOYMENT, ...place, id, version, nowMs: core.clock.now() });
  const rows = tasks.map(({ name, description = null, inputSchema, options = {}, codeHash = null }) => ({
    deployment: id,
    name,
    description,
    input_schema: inputSchema === undefined ? null : JSON.stringify(inputSchema),
    output_schema: null,
    options: JSON.stringify(options),
    code_hash: codeHash,
  }));
  const row = { ...whole, environment, bundle, depends_on: JSON.stringify(dependsOn) };
  await core.driver.transaction((sql) => insertDeployment(sql, row, rows));
}

export const OK: Outcome = { ok: true, value: "42" };
