import type { Json } from "../core/error-record.ts";
import type { RunEvent } from "../core/event.ts";
import { isTerminal } from "../core/phase.ts";
import type * as api from "./api.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import { type FollowOptions, follow } from "./follow.ts";
import { address } from "./query.ts";
import { type CallOptions, type PostOptions, Requests, type WaitOptions } from "./requests.ts";
import { type RunTaskOptions, runTaskAddress } from "./run-task.ts";
import { withWholeOutcome } from "./stored-outcome.ts";
import { uploadBundle } from "./upload-bundle.ts";

type Place = { readonly project?: string; readonly domain?: string };

/** The most that a page may have. */
const PAGE_ITEMS = 100;

/**
 * The public HTTP API, with types. Every request is repeated a few times when the connection or the coordinator
 * fails, and does its work once all the same.
 *
 * @example
 * const client = new GodwitClient({ endpoint: "http://localhost:4000" });
 * const run = await client.startRun({ task: "hello.main", input: { data: [1, 2, 3] } }, { wait: "20s" });
 * @throws GodwitError with the code the coordinator answered; ENDPOINT_UNREACHABLE when nobody answers
 */
export class GodwitClient {
  readonly #connection: Connection;
  readonly #requests: Requests;

  constructor(options: ConnectionOptions) {
    this.#connection = new Connection(options);
    this.#requests = new Requests(this.#connection);
  }

  get endpoint(): string {
    return this.#connection.endpoint;
  }

  /** Starts a run; with `wait` the reply has its outcome if it ended by then. */
  startRun(body: api.StartRunBody, options: PostOptions & WaitOptions = {}): Promise<api.StartedRun> {
    return this.#started(address("/v1/runs", [], { wait: options.wait }), body, options);
  }

  /**
   * Runs a task by its name: the body of the request is the input itself. With `wait` the reply has the outcome if the
   * run ended by then.
   *
   * @example const { outcome } = await client.runTask("hello.main", { data: [1, 2, 3] }, { wait: "20s" });
   */
  runTask(task: string, input?: Json, options: RunTaskOptions = {}): Promise<api.StartedRun> {
    return this.#requests.post(runTaskAddress(task, options), input, options);
  }

  listRuns(query: api.RunQuery = {}, options?: CallOptions): Promise<api.ListPage<api.RunSummary>> {
    return this.#requests.get(address("/v1/runs", [], query), options);
  }

  /** Runs, a page at a time as they are asked for. Default order: the newest first. */
  async *runs(
    { limit = Number.POSITIVE_INFINITY, ...query }: api.RunQuery = {},
    options?: CallOptions,
  ): AsyncGenerator<api.RunSummary, void, void> {
    let left = limit;
    let from: { readonly cursor?: string } = {};
    while (left > 0) {
      const page = await this.listRuns({ ...query, ...from, limit: Math.min(left, PAGE_ITEMS) }, options);
      yield* page.data;
      if (page.nextCursor === null) return;
      left -= page.data.length;
      from = { cursor: page.nextCursor };
    }
  }

  getRun(run: string, options?: CallOptions): Promise<api.RunDetail> {
    return this.#requests.get(address("/v1/runs/{}", [run]), options);
  }

  /** How a run ended; `outcome` is null when it has not, within `wait`. A large result is fetched from the blob store. */
  async getResult(run: string, { wait, signal }: WaitOptions = {}): Promise<api.RunResult> {
    const path = address("/v1/runs/{}/result", [run], { wait });
    const result = await this.#requests.get<api.RunResult>(path, { signal });
    return withWholeOutcome(this.#connection, result, { run, signal });
  }

  abortRun(run: string, reason?: string, options: PostOptions = {}): Promise<api.Aborted> {
    return this.#requests.post(
      address("/v1/runs/{}/abort", [run]),
      reason === undefined ? {} : { reason },
      options,
    );
  }

  rerun(
    run: string,
    body: api.RerunBody = {},
    options: PostOptions & WaitOptions = {},
  ): Promise<api.StartedRun> {
    return this.#started(address("/v1/runs/{}/rerun", [run], { wait: options.wait }), body, options);
  }

  listActions(
    run: string,
    query: api.ActionQuery = {},
    options?: CallOptions,
  ): Promise<api.ListPage<api.ActionSummary>> {
    return this.#requests.get(address("/v1/runs/{}/actions", [run], query), options);
  }

  countActions(
    run: string,
    query: { readonly parent?: string; readonly by?: readonly ("parent" | "task" | "phase")[] } = {},
    options?: CallOptions,
  ): Promise<api.ActionCounts> {
    return this.#requests.get(address("/v1/runs/{}/actions/counts", [run], query), options);
  }

  getAction(run: string, action: string, options?: CallOptions): Promise<api.ActionDetail> {
    return this.#requests.get(address("/v1/runs/{}/actions/{}", [run, action]), options);
  }

  /** The files and folders that the actions of a run took and gave. */
  listLineage(
    run: string,
    query: api.EdgeQuery = {},
    options?: CallOptions,
  ): Promise<api.ListPage<api.EdgeView>> {
    return this.#requests.get(address("/v1/runs/{}/lineage", [run], query), options);
  }

  abortAction(
    at: { readonly run: string; readonly action: string },
    reason?: string,
    options: PostOptions = {},
  ): Promise<api.Aborted> {
    const path = address("/v1/runs/{}/actions/{}/abort", [at.run, at.action]);
    return this.#requests.post(path, reason === undefined ? {} : { reason }, options);
  }

  /** One page of events, for whoever cannot stream. */
  listEvents(
    run: string,
    query: { readonly after?: number; readonly wait?: string | number } = {},
    options?: CallOptions,
  ): Promise<api.EventPage> {
    return this.#requests.get(address("/v1/runs/{}/events", [run], query), options);
  }

  /** Every event of a run after `after`, each once, whatever happens to the connection. Ends after the run's last. */
  async *events(
    run: string,
    options: FollowOptions & { readonly after?: number } = {},
  ): AsyncGenerator<RunEvent, void, void> {
    const { after, ...more } = options;
    const path = address("/v1/runs/{}/events", [run]);
    const last = after === undefined ? undefined : String(after);
    for await (const { data } of follow(this.#connection, { path, after: last, ...more })) {
      const event = JSON.parse(data) as RunEvent;
      yield event;
      if (event.type === "run" && isTerminal(event.phase)) return;
    }
  }

  listLogs(
    run: string,
    query: api.LogQuery = {},
    options?: CallOptions,
  ): Promise<api.ListPage<api.LogChunkView>> {
    return this.#requests.get(address("/v1/runs/{}/logs", [run], query), options);
  }

  /** What is logged and what will be, until the run ends; each chunk once. */
  async *logs(
    run: string,
    options: FollowOptions & { readonly action?: string; readonly attempt?: number } = {},
  ): AsyncGenerator<api.LogChunkView, void, void> {
    const { action, attempt, ...more } = options;
    const path = address("/v1/runs/{}/logs", [run], { action, attempt });
    for await (const { event, data } of follow(this.#connection, { path, ...more })) {
      if (event === "end") return;
      yield JSON.parse(data) as api.LogChunkView;
    }
  }

  listConditions(
    query: api.PageQuery & Place & { readonly run?: string } = {},
    options?: CallOptions,
  ): Promise<api.ListPage<api.ConditionView>> {
    return this.#requests.get(address("/v1/conditions", [], query), options);
  }

  /** Answers a condition, by its name or the id of its action. */
  signal(
    at: { readonly run: string; readonly condition: string },
    answer: { readonly value?: Json; readonly by?: string },
    options: PostOptions = {},
  ): Promise<api.Signalled> {
    return this.#requests.post(
      address("/v1/runs/{}/conditions/{}/signal", [at.run, at.condition]),
      answer,
      options,
    );
  }

  listTasks(
    query: api.PageQuery & Place = {},
    options?: CallOptions,
  ): Promise<api.ListPage<api.TaskSummary>> {
    return this.#requests.get(address("/v1/tasks", [], query), options);
  }

  getTask(
    task: string,
    query: Place & { readonly deployment?: string; readonly version?: string } = {},
    options?: CallOptions,
  ): Promise<api.TaskDetail> {
    return this.#requests.get(address("/v1/tasks/{}", [task], query), options);
  }

  /** Gives the coordinator the code of deployments under the SHA-256 of its bytes, unless it has it already. */
  uploadBundle(sha256: string, bytes: Uint8Array<ArrayBuffer>, options: CallOptions = {}): Promise<void> {
    return uploadBundle(
      { sha256, bytes },
      { requests: this.#requests, fetch: this.#connection.fetch, ...options },
    );
  }

  /** Deploys environments together, all or none; twice is a no-op. Their bundles must have been uploaded. */
  deploy(body: api.DeployBody, options?: CallOptions): Promise<api.DeployReply> {
    return this.#requests.send("POST", address("/v1/deployments", []), { body, ...options });
  }

  getDeployment(id: string, options?: CallOptions): Promise<api.DeploymentDetail> {
    return this.#requests.get(address("/v1/deployments/{}", [id]), options);
  }

  listDeployments(
    query: api.PageQuery & Place & { readonly environment?: string } = {},
    options?: CallOptions,
  ): Promise<api.ListPage<api.DeploymentSummary>> {
    return this.#requests.get(address("/v1/deployments", [], query), options);
  }

  listCache(
    query: api.PageQuery & Place & { readonly task?: string } = {},
    options?: CallOptions,
  ): Promise<api.ListPage<api.CacheEntryView>> {
    return this.#requests.get(address("/v1/cache", [], query), options);
  }

  deleteCacheEntry(key: string, options?: CallOptions): Promise<void> {
    return this.#requests.delete(address("/v1/cache/{}", [key]), options);
  }

  /** Makes an API key; the reply is the only one that has its secret. */
  createKey(body: api.KeyBody, options: PostOptions = {}): Promise<api.CreatedKey> {
    return this.#requests.post("/v1/keys", body, options);
  }

  listKeys(
    query: api.PageQuery & { readonly project?: string } = {},
    options?: CallOptions,
  ): Promise<api.ListPage<api.KeyView>> {
    return this.#requests.get(address("/v1/keys", [], query), options);
  }

  /** Ends a key now. */
  deleteKey(id: string, options?: CallOptions): Promise<void> {
    return this.#requests.delete(address("/v1/keys/{}", [id]), options);
  }

  async #started(path: string, body: unknown, options: PostOptions): Promise<api.StartedRun> {
    const started = await this.#requests.post<api.StartedRun>(path, body, options);
    return withWholeOutcome(this.#connection, started, { run: started.id, signal: options.signal });
  }

  /** Resolves when the coordinator and its store answer. */
  checkReady(options: CallOptions = {}): Promise<void> {
    return this.#connection.send({ method: "GET", path: "/readyz", retries: 0, ...options }, () =>
      Promise.resolve(),
    );
  }
}
