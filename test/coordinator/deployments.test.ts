import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type {
  DeployBody,
  DeploymentDetail,
  DeploymentSummary,
  DeployReply,
  ListPage,
  Problem,
  StartedRun,
  TaskDetail,
  TaskSummary,
} from "../../src/client/api.ts";
import type { DeployedEnvironment } from "../../src/core/deployment.ts";
import { type BlobFolder, openBlobFolder, sha256Of } from "./blob-folder.ts";
import { DEPLOYMENT, deploy, json, openSystem, type System } from "./system.ts";

let system: System;
let nowMs = 1_000;
let blobs: BlobFolder;
beforeEach(async () => {
  blobs = await openBlobFolder();
  await blobs.addBundle("code");
  system = await openSystem({ now: () => nowMs++, blobs: blobs.store });
});
afterEach(async () => {
  await system.close();
  await blobs.close();
});

const CODE = sha256Of("code");
const OTHER_CODE = sha256Of("other code");

function environment(name: string, more: Partial<DeployedEnvironment> = {}): DeployedEnvironment {
  return { name, bundle: CODE, tasks: [{ name: `${name}.main` }], ...more };
}

function deployed(body: Partial<DeployBody> = {}, status = 201): Promise<DeployReply> {
  const all = { environments: [environment("hello")], ...body };
  return json<DeployReply>(system.send("POST", "/v1/deployments", all), status);
}

describe("deploying", () => {
  test("registers an environment once, whenever and from wherever it is deployed", async () => {
    const tasks = [{ ...DEPLOYMENT.tasks[0], name: "hello.main" }, { name: "hello.free" }];
    const hello = environment("hello", { description: "Greets", env: { TZ: "UTC" }, tasks });
    const [first] = (await deployed({ environments: [hello], source: { commit: "abc" } })).deployments;
    expect(first).toMatchObject({ environment: "hello", isNew: true, previous: null, bundle: CODE });
    const again = { environments: [{ ...hello, tasks: [...tasks].reverse() }], source: { commit: "def" } };
    const [second] = (await deployed(again, 200)).deployments;
    expect(second).toStrictEqual({ ...first, isNew: false, previous: first?.id });
    const got = await json<DeploymentDetail>(system.send("GET", `/v1/deployments/${first?.id}`), 200);
    expect(got).toMatchObject({
      id: first?.id,
      project: "default",
      domain: "development",
      environment: "hello",
      version: first?.id.slice(0, 12),
      description: "Greets",
      env: { TZ: "UTC" },
      dependsOn: {},
      source: { commit: "abc" },
      tasks: [
        { name: "hello.free", inputSchema: null, options: {}, codeHash: null },
        { ...DEPLOYMENT.tasks[0] },
      ],
    });
    expect(got.activatedMs).toBeGreaterThan(got.createdMs);
  });

  test("gives every project and domain deployments of its own", async () => {
    const ids = [
      await deployed(),
      await deployed({ domain: "production" }),
      await deployed({ project: "search" }),
    ].map(({ deployments }) => deployments[0]?.id);
    expect(new Set(ids).size).toBe(3);
  });

  test("registers what belongs together, also when it depends on each other", async () => {
    const ring = (bundle: string): DeployedEnvironment[] => [
      environment("a", { dependsOn: ["b"] }),
      environment("b", { dependsOn: ["a"], bundle }),
      environment("c"),
    ];
    const before = (await deployed({ environments: ring(CODE) })).deployments;
    const [a, b] = before;
    const got = await json<DeploymentDetail>(system.send("GET", `/v1/deployments/${a?.id}`), 200);
    expect(got.dependsOn).toStrictEqual({ b: b?.id });
    await blobs.addBundle("other code");
    const after = (await deployed({ environments: ring(OTHER_CODE) })).deployments;
    // What depends on something else than before is something else; what does not stays what it is.
    expect(after.map(({ isNew }) => isNew)).toStrictEqual([true, true, false]);
    expect(after.map(({ previous }) => previous)).toStrictEqual(before.map(({ id }) => id));
  });

  test("makes an older version the newest again", async () => {
    await blobs.addBundle("other code");
    const old = await deployed({ version: "v1" });
    await deployed({ version: "v2", environments: [environment("hello", { bundle: OTHER_CODE })] });
    const task = (): Promise<TaskDetail> => json(system.send("GET", "/v1/tasks/hello.main"), 200);
    expect((await task()).version).toBe("v2");
    expect(await deployed({ version: "v1" }, 200)).toMatchObject({ deployments: [{ isNew: false }] });
    expect(await task()).toMatchObject({ version: "v1", deployment: old.deployments[0]?.id });
  });

  test("leaves the latest what it is for a run, unless there is none", async () => {
    await blobs.addBundle("other code");
    const tried = { environments: [environment("hello", { bundle: OTHER_CODE })], activate: false };
    const task = async (): Promise<string> =>
      (await json<TaskDetail>(system.send("GET", "/v1/tasks/hello.main"), 200)).deployment;
    const first = (await deployed(tried)).deployments[0]?.id;
    expect(await task()).toBe(first);
    expect(await json(system.send("GET", `/v1/deployments/${first}`), 200)).toMatchObject({
      activatedMs: null,
    });
    const [real] = (await deployed()).deployments;
    expect(real).toMatchObject({ isNew: true, previous: null });
    await deployed({ ...tried, version: "later" });
    expect(await task()).toBe(real?.id);
    expect((await deployed({ ...tried, activate: true }, 200)).deployments).toMatchObject([
      { id: first, isNew: false, previous: real?.id },
    ]);
    expect(await task()).toBe(first);
  });

  test("changes no version, and then nothing else either", async () => {
    await deployed({ version: "v1" });
    const other = [environment("fresh"), environment("hello", { env: { A: "1" } })];
    const body = { version: "v1", environments: other };
    const problem = await json<Problem>(system.send("POST", "/v1/deployments", body), 409);
    expect(problem).toMatchObject({ code: "VERSION_CONFLICT" });
    expect(problem.detail).toContain('hello has a version "v1" in default/development');
    const listed = await json<ListPage<DeploymentSummary>>(
      system.send("GET", "/v1/deployments?environment=fresh"),
      200,
    );
    expect(listed.data).toStrictEqual([]);
  });

  test("says beforehand what it would do", async () => {
    const dry = await deployed(
      { dryRun: true, environments: [environment("hello", { bundle: "e".repeat(64) })] },
      200,
    );
    expect(dry.deployments).toMatchObject([{ isNew: true, previous: null }]);
    await json(system.send("GET", `/v1/deployments/${dry.deployments[0]?.id}`), 404);
  });

  test.each<[string, Partial<DeployBody>, number, string]>([
    [
      "code that is not there",
      { environments: [environment("hello", { bundle: "e".repeat(64) })] },
      409,
      "BUNDLE_MISSING",
    ],
    [
      "an environment without what it needs",
      { environments: [environment("a", { dependsOn: ["b"] })] },
      409,
      "DEPENDENCY_MISSING",
    ],
    [
      "a version that means another",
      { version: "latest", environments: [environment("a")] },
      400,
      "INVALID_REQUEST",
    ],
    ["an environment twice", { environments: [environment("a"), environment("a")] }, 400, "INVALID_REQUEST"],
    [
      "a task of another environment",
      { environments: [environment("a", { tasks: [{ name: "b.main" }] })] },
      400,
      "INVALID_REQUEST",
    ],
  ])("refuses %s", async (_, body, status, code) => {
    const all = { environments: [], ...body };
    expect((await json<Problem>(system.send("POST", "/v1/deployments", all), status)).code).toBe(code);
  });

  test.each<[string, unknown, string]>([
    ["a name that is none", { environments: [environment("~d1")] }, "/environments/0/name"],
    ["no environments", { environments: [] }, "/environments"],
    [
      "code that is no hash",
      { environments: [environment("a", { bundle: "abc" })] },
      "/environments/0/bundle",
    ],
    [
      "two tasks of one name",
      { environments: [environment("a", { tasks: [{ name: "a.b" }, { name: "a.b" }] })] },
      "/environments/0/tasks",
    ],
    [
      "a schema that is none",
      { environments: [environment("a", { tasks: [{ name: "a.b", inputSchema: 3 }] })] },
      "/environments/0/tasks/0/inputSchema",
    ],
    [
      "options that the engine cannot read",
      { environments: [{ ...environment("a"), tasks: [{ name: "a.b", options: { retries: 3 } }] }] },
      "/environments/0/tasks/0/options/retries",
    ],
    ["a project that is no name", { project: "a b", environments: [environment("a")] }, "/project"],
  ])("points at %s", async (_, body, pointer) => {
    const problem = await json<Problem>(system.send("POST", "/v1/deployments", body), 400);
    expect(problem.errors?.map((error) => error.pointer)).toContain(pointer);
  });
});

test("answers 404 for a deployment or task that is not there", async () => {
  expect((await json<Problem>(system.send("GET", "/v1/deployments/d9"), 404)).code).toBe(
    "DEPLOYMENT_NOT_FOUND",
  );
  expect((await json<Problem>(system.send("GET", "/v1/tasks/hello.main"), 404)).code).toBe("TASK_NOT_FOUND");
});

test("lists deployments by page, and the tasks that the newest ones have", async () => {
  await deploy(system);
  await deploy(system, { id: "d2", tasks: [{ name: "hello.main" }, { name: "hello.zeta" }] });
  await deploy(system, { id: "p1", domain: "production" });
  const deployments = await json<ListPage<DeploymentSummary>>(
    system.send("GET", "/v1/deployments?limit=1"),
    200,
  );
  const rest = system.send("GET", `/v1/deployments?limit=1&cursor=${deployments.nextCursor}`);
  expect(
    [...deployments.data, ...(await json<ListPage<DeploymentSummary>>(rest, 200)).data].map(({ id }) => id),
  ).toEqual(["d2", "d1"]);
  const first = await json<ListPage<TaskSummary>>(system.send("GET", "/v1/tasks?limit=1"), 200);
  const second = await json<ListPage<TaskSummary>>(
    system.send("GET", `/v1/tasks?limit=1&cursor=${first.nextCursor}`),
    200,
  );
  expect([...first.data, ...second.data].map(({ name, deployment }) => `${name} ${deployment}`)).toEqual([
    "hello.main d2",
    "hello.zeta d2",
  ]);
  const old = await json<TaskDetail>(system.send("GET", "/v1/tasks/hello.main?deployment=d1"), 200);
  expect(old).toMatchObject({
    deployment: "d1",
    version: "v1",
    inputSchema: { type: "object" },
    codeHash: "c1",
  });
});

test("runs the newest deployment unless another is named", async () => {
  await deploy(system);
  await deploy(system, { id: "d2" });
  const start = (more: object): Promise<StartedRun> =>
    json(system.send("POST", "/v1/runs", { task: "hello.free", ...more }), 202);
  expect((await start({})).deployment).toBe("d2");
  expect((await start({ deployment: "d1" })).deployment).toBe("d1");
});
