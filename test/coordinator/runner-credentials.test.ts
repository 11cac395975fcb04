import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Problem, RunnerBody, RunnerCredentials } from "../../src/client/api.ts";
import { createApiKey } from "../../src/coordinator/auth/api-keys.ts";
import type { ExchangeReply } from "../../src/core/protocol.ts";
import { tick } from "../../src/engine/tick.ts";
import { revokeApiKey } from "../../src/store/api-keys.ts";
import { deploy, HandRunner, json, keyFor, OK, openSystem, type System } from "./system.ts";

const TTL_MS = 60_000;
let nowMs = Date.UTC(2026, 0, 1);
let system: System;
let admin: Record<string, string>;
/** Of a key for the project `search`. */
let search: Record<string, string>;

beforeEach(async () => {
  nowMs = Date.UTC(2026, 0, 1);
  system = await openSystem({ auth: { mode: "keys" }, now: () => nowMs, limits: { runnerTokenMs: TTL_MS } });
  admin = await keyFor(system, ["admin"]);
  search = await keyFor(system, ["runners"], { project: "search" });
  await deploy(system, { id: "search-1", project: "search", environment: "hello" });
  await deploy(system, { id: "search-2", project: "search", environment: "other", domain: "production" });
  await deploy(system, { id: "ads-1", project: "ads", environment: "hello" });
});
afterEach(() => system.close());

function ask(body: RunnerBody, headers: Record<string, string> = search): Promise<Response> {
  return system.send("POST", "/v1/runners", body, headers);
}

function obtain(body: RunnerBody = {}, headers?: Record<string, string>): Promise<RunnerCredentials> {
  return json<RunnerCredentials>(ask(body, headers), 201);
}

async function refusal(
  body: RunnerBody,
  headers?: Record<string, string>,
): Promise<[number, string, string]> {
  const reply = await ask(body, headers);
  const { code, detail } = (await reply.json()) as Problem;
  return [reply.status, code, detail];
}

const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` });

/** A process of a runner that was given credentials. */
class HeldRunner extends HandRunner {
  readonly #pools: readonly string[];

  constructor({ runner, token, pools }: RunnerCredentials, headers = bearer(token)) {
    super(system, `${runner}.0.x`, headers);
    this.#pools = pools;
  }

  override request(part: Parameters<HandRunner["request"]>[0] = {}): ReturnType<HandRunner["request"]> {
    const request = super.request(part);
    return { ...request, runner: { ...request.runner, pools: [...this.#pools] } };
  }
}

async function start(deployment: string): Promise<string> {
  const body = { task: "hello.free", deployment };
  return (await json<{ id: string }>(system.send("POST", "/v1/runs", body, admin), 202)).id;
}

/** The deployments out of which a runner with these credentials is given work. */
async function served(credentials: RunnerCredentials): Promise<readonly string[]> {
  const runner = new HeldRunner(credentials);
  await runner.report();
  const leases = await runner.lease();
  return leases.map(({ deployment }) => deployment).sort();
}

describe("credentials of a runner", () => {
  test("are for the project of their key, and for what is deployed there later", async () => {
    const runner = new HeldRunner(await obtain({ name: "one" }));
    expect(runner.id).toMatch(/^one-[a-z2-7]{10}-[a-z2-7]{10}\.0\.x$/);
    await runner.report();
    await start("ads-1");
    expect(await runner.lease()).toEqual([]);
    await deploy(system, { id: "search-3", project: "search", environment: "new" });
    const runs = [await start("search-1"), await start("search-3")];
    expect((await runner.lease()).map(({ run }) => run).sort()).toEqual(runs.sort());
  });

  test.each<[RunnerBody, readonly string[]]>([
    [{}, ["search-1", "search-2"]],
    [{ environments: ["other"] }, ["search-2"]],
    [{ environments: ["not-yet"] }, []],
    [{ domain: "development" }, ["search-1"]],
    [{ pools: ["search-2"] }, ["search-2"]],
    [{ domain: "development", environments: ["other"] }, []],
  ])("for %o serve %o", async (body, expected) => {
    for (const id of ["search-1", "search-2", "ads-1"]) await start(id);
    expect(await served(await obtain(body))).toEqual(expected);
  });

  test("of a key for all projects serve all, or the one that is named", async () => {
    const all = await keyFor(system, ["runners"]);
    for (const id of ["search-1", "ads-1"]) await start(id);
    expect(await served(await obtain({ project: "ads" }, all))).toEqual(["ads-1"]);
    expect(await served(await obtain({}, all))).toEqual(["search-1"]);
  });

  test("also bound what is executed alone", async () => {
    await start("ads-1");
    const credentials = await obtain({}, admin);
    const wide = new HeldRunner(credentials);
    await wide.report();
    expect(await wide.lease()).toHaveLength(1);
    // After a death that nobody can be blamed for, the action gets a pool of its own.
    const death = { kind: "exited", detail: "exit code 1", isAmbiguous: true };
    const supervisor = bearer(credentials.supervisorToken);
    await json(system.send("POST", `/internal/v1/runners/${wide.id}/lost`, death, supervisor), 204);
    nowMs += 10_000;
    await tick(system.core);
    const alone = async (credentials: RunnerCredentials): Promise<readonly boolean[]> => {
      const runner = new HeldRunner(credentials);
      await runner.report();
      return (await runner.report({ want: 8, isIdle: true })).leases.map(({ isolated }) => isolated);
    };
    expect(await alone(await obtain())).toEqual([]);
    expect(await alone(await obtain({ project: "ads" }, admin))).toEqual([true]);
  });

  test("name pools of their project only", async () => {
    expect(await refusal({ pools: ["search-1", "ads-1"] })).toEqual([
      404,
      "DEPLOYMENT_NOT_FOUND",
      'no deployment "ads-1"',
    ]);
    const { runner, token } = await obtain({ pools: ["search-1"] });
    const reaching = new HeldRunner({ ...(await obtain()), runner, token, pools: ["search-2"] });
    await expect(reaching.report()).rejects.toThrow('does not allow the pool \\"search-2\\"');
  });

  test("cannot be widened by what the runner says of itself", async () => {
    await start("ads-1");
    const runner = new HeldRunner(await obtain());
    await runner.report();
    const reach = { project: "ads", domain: null, environments: null };
    const reply = await runner.report({ want: 8, reach });
    expect(reply.leases).toEqual([]);
    const named = new HeldRunner({ ...(await obtain()), pools: ["ads-1"] });
    await named.report();
    expect(await named.lease()).toEqual([]);
  });

  test("are refused to whoever may not have them", async () => {
    const reader = await keyFor(system, ["runs:read", "runs:write", "tasks:deploy"]);
    expect((await refusal({}, reader)).slice(0, 2)).toEqual([403, "FORBIDDEN"]);
    expect((await refusal({}, {})).slice(0, 2)).toEqual([401, "UNAUTHENTICATED"]);
    expect((await refusal({ project: "ads" })).slice(0, 2)).toEqual([403, "FORBIDDEN"]);
    expect((await refusal({ pools: ["search-1"], environments: ["hello"] })).slice(0, 2)).toEqual([
      400,
      "INVALID_REQUEST",
    ]);
    expect((await refusal({ name: "a.b" })).slice(0, 2)).toEqual([400, "INVALID_REQUEST"]);
  });

  test("open nothing else", async () => {
    const { runner, token, supervisorToken } = await obtain();
    expect((await system.send("GET", "/v1/runs", undefined, bearer(token))).status).toBe(401);
    const hello = new HandRunner(system, runner, bearer(supervisorToken));
    await expect(hello.report()).rejects.toThrow("401");
    const lost = (id: string, credential: string): Promise<Response> =>
      system.send(
        "POST",
        `/internal/v1/runners/${id}/lost`,
        { kind: "killed", detail: "" },
        bearer(credential),
      );
    expect((await lost(`${runner}.0`, token)).status).toBe(401);
    expect((await lost("somebody-else", supervisorToken)).status).toBe(403);
    expect((await lost(`${runner}.0`, supervisorToken)).status).toBe(204);
  });

  test("are stored by nobody", async () => {
    const reply = await ask({});
    expect(reply.headers.get("Cache-Control")).toBe("no-store");
    await reply.body?.cancel();
  });
});

describe("renewed credentials", () => {
  test("are for the same runner, which keeps what it holds", async () => {
    await start("search-1");
    const first = await obtain();
    expect([first.expiresMs, first.renewInMs]).toEqual([nowMs + TTL_MS, TTL_MS / 2]);
    const runner = new HeldRunner(first);
    await runner.report();
    const [grant] = await runner.lease();
    nowMs += 20_000;
    await runner.report({ held: [{ lease: grant?.lease ?? "", seq: 0 }] });
    nowMs += 20_000;
    const second = await obtain({ runner: first.runner });
    expect(second.runner).toBe(first.runner);
    nowMs += 25_000;
    await expect(new HeldRunner(first).report()).rejects.toThrow("the runner's token has expired");
    const report = { outcomes: [{ lease: grant?.lease ?? "", outcome: OK, startedMs: 1, endedMs: 2 }] };
    const request = { ...runner.request(report), number: 2, registeredMs: Date.UTC(2026, 0, 1) };
    const sent = system.send("POST", "/internal/v1/report", request, bearer(second.token));
    const reply = await json<ExchangeReply>(sent, 200);
    expect([reply.known, reply.refused]).toEqual([true, []]);
  });

  test("are only for whoever started the runner", async () => {
    const { runner } = await obtain();
    const stranger = await keyFor(system, ["runners"], { project: "search" });
    expect((await refusal({ runner }, stranger)).slice(0, 2)).toEqual([403, "FORBIDDEN"]);
    expect((await refusal({ runner: "vm-aaaaaaaaaa-aaaaaaaaaa" })).slice(0, 2)).toEqual([403, "FORBIDDEN"]);
    expect((await refusal({ runner: `${runner}.0` })).slice(0, 2)).toEqual([403, "FORBIDDEN"]);
  });

  test("end with the key", async () => {
    const { key, id } = await createApiKey(system.core, {
      name: "r",
      scopes: ["runners"],
      project: "search",
    });
    const { runner } = await obtain({}, bearer(key));
    await system.core.driver.transaction((sql) => revokeApiKey(sql, id, nowMs));
    expect(await refusal({ runner }, bearer(key))).toEqual([
      401,
      "UNAUTHENTICATED",
      'the API key "r" was revoked',
    ]);
  });
});
