import { afterEach, beforeEach, expect, test } from "vitest";
import type {
  DeploymentDetail,
  DeploymentSummary,
  ListPage,
  Problem,
  StartedRun,
  TaskDetail,
  TaskSummary,
} from "../../src/client/api.ts";
import { DEPLOYMENT, deploy, json, openSystem, type System } from "./system.ts";

let system: System;
let nowMs = 1_000;
beforeEach(async () => {
  system = await openSystem({ now: () => nowMs++ });
});
afterEach(() => system.close());

test("registers a deployment once", async () => {
  await deploy(system);
  const again = await json<DeploymentDetail>(
    system.send("PUT", "/v1/deployments/d1", { ...DEPLOYMENT, tasks: [] }),
    200,
  );
  const got = await json<DeploymentDetail>(system.send("GET", "/v1/deployments/d1"), 200);
  expect(again).toEqual(got);
  expect(got).toMatchObject({
    id: "d1",
    project: "default",
    domain: "development",
    source: { file: "hello.ts" },
  });
  expect(got.tasks).toMatchObject([
    { name: "hello.free", inputSchema: null, options: {}, codeHash: null },
    { ...DEPLOYMENT.tasks[0] },
  ]);
});

test("keeps a deployment in the project and domain that registered it", async () => {
  await deploy(system);
  const problem = await json<Problem>(
    system.send("PUT", "/v1/deployments/d1", { ...DEPLOYMENT, domain: "production" }),
    403,
  );
  expect(problem.detail).toContain("default/development");
});

test.each<[string, string, unknown, string]>([
  ["an id that means something else", "~d1", DEPLOYMENT, "/id"],
  ["no tasks", "d1", {}, "/tasks"],
  ["two tasks of one name", "d1", { tasks: [{ name: "a" }, { name: "a" }] }, "/tasks"],
  ["a schema that is none", "d1", { tasks: [{ name: "a", inputSchema: 3 }] }, "/tasks/0/inputSchema"],
  [
    "options that the engine cannot read",
    "d1",
    { tasks: [{ name: "a", options: { retries: 3 } }] },
    "/tasks/0/options/retries",
  ],
  ["a project that is no name", "d1", { project: "a b", tasks: [] }, "/project"],
])("refuses %s", async (_, id, body, pointer) => {
  const problem = await json<Problem>(system.send("PUT", `/v1/deployments/${id}`, body), 400);
  expect(problem.errors?.map((error) => error.pointer)).toContain(pointer);
});

test("answers 404 for a deployment or task that is not there", async () => {
  expect((await json<Problem>(system.send("GET", "/v1/deployments/d9"), 404)).code).toBe(
    "DEPLOYMENT_NOT_FOUND",
  );
  expect((await json<Problem>(system.send("GET", "/v1/tasks/hello.main"), 404)).code).toBe("TASK_NOT_FOUND");
});

test("lists deployments and tasks by page, each task in its newest deployment", async () => {
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
  const first = await json<ListPage<TaskSummary>>(system.send("GET", "/v1/tasks?limit=2"), 200);
  const second = await json<ListPage<TaskSummary>>(
    system.send("GET", `/v1/tasks?limit=2&cursor=${first.nextCursor}`),
    200,
  );
  expect([...first.data, ...second.data].map(({ name, deployment }) => `${name} ${deployment}`)).toEqual([
    "hello.free d1",
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
