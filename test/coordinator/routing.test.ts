import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Problem, StartedRun } from "../../src/client/api.ts";
import type { CallOptions } from "../../src/core/call.ts";
import type { LeaseGrant } from "../../src/core/protocol.ts";
import { deploy, HandRunner, json, OK, openSystem, type System } from "./system.ts";

let system: System;
let nowMs = 1_000;
/** Serves the environment `caller`. */
let parents: HandRunner;

beforeEach(async () => {
  system = await openSystem({ now: () => nowMs++ });
  await deploy(system, {
    id: "caller1",
    environment: "caller",
    version: "v1",
    dependsOn: { needed: "needed1" },
    tasks: [{ name: "caller.main" }],
  });
  const needed = {
    environment: "needed",
    tasks: [{ name: "needed.work", options: { retries: { count: 4 } } }],
  };
  await deploy(system, { ...needed, id: "needed1", version: "v1", bundle: "code-of-needed1" });
  parents = new HandRunner(system, "parents", {}, ["caller1"]);
  await parents.report();
});
afterEach(() => system.close());

async function startParent(): Promise<LeaseGrant> {
  await json<StartedRun>(system.send("POST", "/v1/runs", { task: "caller.main" }), 202);
  const [lease] = await parents.lease();
  return lease as LeaseGrant;
}

/** Calls a task, and gives what became of the call. */
async function call(
  { lease, run }: LeaseGrant,
  task: string,
  options?: CallOptions,
): Promise<{
  readonly phase: string;
  readonly pool: string;
  readonly deployment: string | null;
  readonly error?: Problem;
}> {
  await parents.report({
    calls: [{ lease, id: task, kind: "task", task, input: "1", ...(options !== undefined && { options }) }],
  });
  const [row] = await system.core.driver.read((sql) =>
    sql.all<{ phase: string; pool: string; deployment: string | null; result: string | null }>(
      "SELECT phase, pool, deployment, result FROM actions WHERE run_id = $1 AND id = $2",
      run,
      task,
    ),
  );
  const { phase = "", pool = "", deployment = null, result = null } = row ?? {};
  return {
    phase,
    pool,
    deployment,
    ...(phase === "failed" && { error: JSON.parse(result ?? "") as Problem }),
  };
}

/** What the runners of a deployment are given. */
async function leaseOf(deployment: string): Promise<LeaseGrant> {
  const runner = new HandRunner(system, `of-${deployment}`, {}, [deployment]);
  await runner.report();
  const [lease] = await runner.lease();
  return lease as LeaseGrant;
}

describe("a call of a task", () => {
  test("of the same environment stays with the deployment", async () => {
    expect(await call(await startParent(), "caller.other")).toEqual({
      phase: "queued",
      pool: "caller1",
      deployment: null,
    });
  });

  test("of another environment goes to the deployment that its caller depends on", async () => {
    const parent = await startParent();
    expect(parent).toMatchObject({ deployment: "caller1", environment: "caller", bundle: "caller1" });
    expect(await call(parent, "needed.work")).toEqual({
      phase: "queued",
      pool: "needed1",
      deployment: "needed1",
    });
    expect(await leaseOf("needed1")).toMatchObject({
      task: "needed.work",
      deployment: "needed1",
      bundle: "code-of-needed1",
      environment: "needed",
      options: {},
    });
  });

  test("of another environment is not executed by its caller's runner", async () => {
    const { lease, run } = await startParent();
    const { refused } = await parents.report({
      calls: [
        { lease, id: "c1", kind: "task", task: "needed.work", input: "1", claim: `${run}/c1/nonce` },
        { lease, id: "c2", kind: "task", task: "caller.other", input: "1", claim: `${run}/c2/nonce` },
      ],
    });
    expect(refused).toEqual([{ kind: "claim", lease, id: "c1" }]);
  });

  test("of an environment that was not deployed with its caller fails at once", async () => {
    const { phase, error } = await call(await startParent(), "stranger.work");
    expect(phase).toBe("failed");
    expect(error).toMatchObject({
      code: "ENVIRONMENT_NOT_DEPLOYED",
      retryable: false,
      task: "stranger.work",
    });
    expect(String((error as { message?: string } | undefined)?.message)).toContain(
      "caller was deployed without stranger",
    );
  });
});

describe("a remote call", () => {
  const newer = (): Promise<void> =>
    deploy(system, {
      id: "needed2",
      environment: "needed",
      version: "v2",
      tasks: [{ name: "needed.work", options: { retries: { count: 9 }, priority: 3 } }],
    });

  test("means the version that was deployed last, and keeps it", async () => {
    const parent = await startParent();
    const remote = { version: "latest" };
    expect(await call(parent, "needed.work", { remote })).toMatchObject({ deployment: "needed1" });
    await newer();
    // The same call again, as a replay makes it.
    expect(await call(parent, "needed.work", { remote })).toMatchObject({ deployment: "needed1" });
    expect(await call(await startParent(), "needed.work", { remote })).toMatchObject({
      deployment: "needed2",
    });
  });

  test("means the version it names, or that of its caller", async () => {
    await newer();
    const to = (version: string): CallOptions => ({ remote: { version } });
    expect(await call(await startParent(), "needed.work", to("v1"))).toMatchObject({ deployment: "needed1" });
    expect(await call(await startParent(), "needed.work", to("v2"))).toMatchObject({ deployment: "needed2" });
    // What the caller was deployed with.
    expect(await call(await startParent(), "needed.work", to("current"))).toMatchObject({
      deployment: "needed1",
    });
    // What has the version of the caller, when it was not deployed with it.
    for (const version of ["v1", "v2"]) {
      const id = `free-${version}`;
      await deploy(system, { id, environment: "free", version, tasks: [{ name: "free.work" }] });
    }
    expect(await call(await startParent(), "free.work", to("current"))).toMatchObject({
      deployment: "free-v1",
    });
  });

  test("has the options that its task was deployed with, and what the call says instead", async () => {
    await newer();
    const options = { remote: { version: "v2" }, retries: { count: 1 }, label: "mine" };
    await call(await startParent(), "needed.work", options);
    expect((await leaseOf("needed2")).options).toEqual({ ...options, priority: 3 });
  });

  test("finds another domain, but no other project", async () => {
    const place = { environment: "needed", tasks: [{ name: "needed.work" }] };
    await deploy(system, { ...place, id: "live", domain: "production" });
    await deploy(system, { ...place, id: "theirs", project: "theirs" });
    const live = { remote: { version: "latest", domain: "production" } };
    expect(await call(await startParent(), "needed.work", live)).toMatchObject({ deployment: "live" });
    const theirs = { remote: { version: "latest", project: "theirs" } };
    expect(await call(await startParent(), "needed.work", theirs)).toMatchObject({
      phase: "failed",
      error: { code: "FORBIDDEN" },
    });
  });

  test.each([
    [
      "an environment that is not deployed",
      "nowhere.work",
      "latest",
      'no task "nowhere.work" in default/development',
      "Deployed in default/development: caller, needed.",
    ],
    [
      "a version that is not there",
      "needed.work",
      "v7",
      'no task "needed.work" at version "v7"',
      "Versions of needed in default/development: v1.",
    ],
    [
      "a task that the version does not have",
      "needed.gone",
      "v1",
      'its version "v1" does not have it',
      "It has needed.work.",
    ],
  ])("of %s fails and says what there is", async (_, task, version, text, hint) => {
    const { phase, error } = await call(await startParent(), task, { remote: { version } });
    expect(phase).toBe("failed");
    expect(error).toMatchObject({ code: "TASK_NOT_FOUND", retryable: false });
    expect(String((error as { message?: string } | undefined)?.message)).toContain(text);
    expect(error?.hint).toContain(hint);
  });
});

test("each of several calls that are not there fails as itself", async () => {
  const { lease, run } = await startParent();
  const remote = { version: "latest" };
  const calls = ["c1", "c2"].map((id) => ({
    ...{ lease, id, kind: "task" as const, task: "nowhere.work", input: `"${id}"` },
    options: { remote, retries: { count: 3 } },
  }));
  await parents.report({ calls });
  const rows = await system.core.driver.read((sql) =>
    sql.all<{ id: string; result: string }>(
      "SELECT id, result FROM actions WHERE run_id = $1 AND id <> 'a0' ORDER BY id",
      run,
    ),
  );
  const failed = rows.map(({ id, result }) => [id, (JSON.parse(result) as { action: string }).action]);
  expect(failed).toEqual([
    ["c1", "c1"],
    ["c2", "c2"],
  ]);
});

test("a recovered run reuses what other environments gave, a fork under their new code redoes it", async () => {
  const tasks = (codeHash: string): { name: string; codeHash: string }[] => [
    { name: "needed.work", codeHash },
  ];
  await deploy(system, { id: "n1", environment: "needed", version: "n1", tasks: tasks("one") });
  await deploy(system, { id: "n2", environment: "needed", version: "n2", tasks: tasks("two") });
  const callers = { environment: "caller", tasks: [{ name: "caller.main", codeHash: "main" }] };
  await deploy(system, { ...callers, id: "c1", dependsOn: { needed: "n1" } });
  await deploy(system, { ...callers, id: "c2", dependsOn: { needed: "n2" } });
  parents = new HandRunner(system, "all", {}, ["c1", "c2", "n1"]);
  await parents.report();
  await json<StartedRun>(system.send("POST", "/v1/runs", { task: "caller.main", deployment: "c1" }), 202);
  const [first] = await parents.lease();
  await call(first as LeaseGrant, "needed.work");
  const [child] = await parents.lease();
  await parents.finish(child?.lease ?? "", OK);
  await parents.finish(first?.lease ?? "", {
    ok: false,
    error: { code: "TASK_FAILED", kind: "user", retryable: false, name: "TaskError", message: "no" },
  });
  const again = async (body: object): Promise<string> => {
    await json(system.send("POST", `/v1/runs/${first?.run}/rerun`, body), 202);
    const [root] = await parents.lease();
    const { phase, deployment } = await call(root as LeaseGrant, "needed.work");
    return `${phase} ${deployment}`;
  };
  expect(await again({ recover: true })).toBe("recovered n1");
  expect(await again({ fork: "c2" })).toBe("recovered n2");
  expect(await again({ fork: "c2", changedOnly: true })).toBe("queued n2");
  expect(await again({ fork: "c1", changedOnly: true })).toBe("recovered n1");
});
