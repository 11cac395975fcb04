import { expect } from "vitest";
import { insertActions, settleActionRows } from "../../../src/store/actions.ts";
import {
  insertApiKey,
  listApiKeys,
  readApiKey,
  revokeApiKey,
  touchApiKey,
} from "../../../src/store/api-keys.ts";
import { insertDeployment, wholeDeployment } from "../../../src/store/deployments.ts";
import {
  answerIdempotency,
  deleteIdempotency,
  insertIdempotency,
  readIdempotency,
  renewIdempotency,
  sweepIdempotency,
} from "../../../src/store/idempotency.ts";
import { countActions, listActions, readWholeAction } from "../../../src/store/list-actions.ts";
import { deleteCacheEntry, listCache, readCacheEntry } from "../../../src/store/list-cache.ts";
import { listOpenConditions } from "../../../src/store/list-conditions.ts";
import { listRuns } from "../../../src/store/list-runs.ts";
import { findTask, listDeployments, listTasks, readTasks } from "../../../src/store/list-tasks.ts";
import { listLogs } from "../../../src/store/logs.ts";
import { insertRun } from "../../../src/store/runs.ts";
import { type Store, unique } from "./host.ts";
import { sampleAction, sampleRun } from "./samples.ts";

/** What the coordinator reads: on every database the same rows in the same order. */
export function listContract(store: Store): void {
  const { it } = store;

  it("lists runs by time, filtered and in pages", async () => {
    const project = unique("p");
    const runs = [1, 2, 3].map((n) =>
      sampleRun({
        project,
        created_ms: n,
        labels: JSON.stringify({ n: String(n) }),
        phase: n === 2 ? "failed" : "queued",
        created_by: n === 3 ? "run:r1" : null,
      }),
    );
    await store.driver.transaction(async (sql) => {
      for (const run of runs) await insertRun(sql, run);
    });
    const none = { domain: null, phases: [], task: null, labels: [], origin: null, createdBy: null };
    const list = (filter: object, page: object = {}): Promise<number[]> =>
      store.driver.read(async (sql) =>
        (
          await listRuns(
            sql,
            { project, ...none, ...filter },
            { after: null, limit: 10, isDescending: true, ...page },
          )
        ).map((run) => run.created_ms),
      );
    expect(await list({})).toEqual([3, 2, 1]);
    expect(await list({}, { after: [3, runs[2]?.id ?? ""], limit: 1 })).toEqual([2]);
    expect(await list({}, { isDescending: false })).toEqual([1, 2, 3]);
    expect(await list({ phases: ["failed", "aborted"], domain: "development" })).toEqual([2]);
    expect(await list({ labels: ["n=3"], task: "env.main" })).toEqual([3]);
    expect(await list({ labels: ["n"], origin: "r-none" })).toEqual([]);
    expect(await list({ createdBy: "run:r1" })).toEqual([3]);
    expect(await list({ createdBy: "run:r" })).toEqual([]);
    expect(await list({ project: null, labels: ["n=1"] })).toContain(1);
  });

  it("lists and counts the actions of a run", async () => {
    const run = sampleRun();
    const rows = ["c1", "c2", "c3"].map((id, i) => sampleAction(run.id, id, { ordinal: i + 1 }));
    await store.driver.transaction(async (sql) => {
      await insertRun(sql, run);
      await insertActions(sql, rows);
      const end = { run_id: run.id, id: "c2", seq: 1, started_ms: null, ended_ms: 9, result: '"bad"' };
      await settleActionRows(sql, [{ ...end, phase: "failed" }]);
    });
    const filter = { runId: run.id, parent: "a0", phases: [], task: "env.child" };
    await store.driver.read(async (sql) => {
      const all = await listActions(sql, filter, { after: null, limit: 10 });
      expect(all.map(({ id, error }) => [id, error])).toEqual([
        ["c1", null],
        ["c2", '"bad"'],
        ["c3", null],
      ]);
      const page = await listActions(sql, { ...filter, phases: ["queued"] }, { after: 1, limit: 10 });
      expect(page.map(({ id }) => id)).toEqual(["c3"]);
      const counts = await countActions(sql, {
        runId: run.id,
        parent: null,
        by: ["task", "phase"],
        limit: 10,
      });
      expect(counts).toEqual([
        { task: "env.child", phase: "failed", count: 1 },
        { task: "env.child", phase: "queued", count: 2 },
      ]);
      expect(await readWholeAction(sql, run.id, "c2")).toMatchObject({ input: '{"x":1}', result: '"bad"' });
    });
  });

  it("lists tasks in their newest deployment", async () => {
    const place = { project: unique("p"), domain: "d" };
    const ids = [unique("d"), unique("d")];
    await store.driver.transaction(async (sql) => {
      for (const [i, id] of ids.entries()) {
        const task = {
          deployment: id,
          description: null,
          input_schema: null,
          output_schema: null,
          options: "{}",
        };
        const names = i === 0 ? ["e.a", "e.b"] : ["e.b"];
        await insertDeployment(
          sql,
          wholeDeployment({ id, ...place, version: `v${i}`, nowMs: i }),
          names.map((name) => ({ ...task, name, code_hash: null })),
        );
      }
    });
    await store.driver.read(async (sql) => {
      const tasks = await listTasks(sql, place, { after: null, limit: 10 });
      expect(tasks.map(({ name, version }) => [name, version])).toEqual([
        ["e.a", "v0"],
        ["e.b", "v1"],
      ]);
      expect(await listTasks(sql, place, { after: "e.b", limit: 10 })).toEqual([]);
      expect((await findTask(sql, { ...place, name: "e.b", deployment: null }))?.version).toBe("v1");
      expect(await findTask(sql, { ...place, name: "e.c", deployment: null })).toBeUndefined();
      expect(await readTasks(sql, ids[0] ?? "")).toHaveLength(2);
      const deployments = await listDeployments(sql, place, { after: null, limit: 1 });
      expect(deployments.map(({ version }) => version)).toEqual(["v1"]);
      const rest = await listDeployments(sql, place, { after: [1, ids[1] ?? ""], limit: 5 });
      expect(rest.map(({ version }) => version)).toEqual(["v0"]);
    });
  });

  it("lists the cache, open conditions and logs, also when there are none", async () => {
    const runId = unique("r");
    await store.driver.read(async (sql) => {
      const place = { project: unique("p"), domain: "d", task: "t" };
      expect(await listCache(sql, place, { after: null, limit: 5 })).toEqual([]);
      expect(await listCache(sql, { ...place, domain: null }, { after: "k", limit: 5 })).toEqual([]);
      expect(await readCacheEntry(sql, unique("k"))).toBeUndefined();
      const open = { project: null, domain: null, runId };
      expect(await listOpenConditions(sql, open, { after: [1, "r", "a"], limit: 5 })).toEqual([]);
      const log = { runId, action: "a0", attempt: 1 };
      expect(await listLogs(sql, log, { after: 2, limit: 5 })).toEqual([]);
    });
    expect(await store.driver.transaction((sql) => deleteCacheEntry(sql, unique("k")))).toBe(false);
  });

  it("keeps API keys and replies to requests", async () => {
    const id = unique("key");
    const key = { id, name: "n", secret_hash: "h", project: null, scopes: "[]", created_ms: 1 };
    await store.driver.transaction(async (sql) => {
      await insertApiKey(sql, { ...key, expires_ms: null, last_used_ms: null, revoked_ms: null });
      await touchApiKey(sql, id, 5);
      expect([await revokeApiKey(sql, id, 6), await revokeApiKey(sql, id, 7)]).toEqual([true, false]);
      expect(await readApiKey(sql, id)).toMatchObject({ last_used_ms: 5, revoked_ms: 6 });
      expect((await listApiKeys(sql, null, { after: null, limit: 1_000 })).map((row) => row.id)).toContain(
        id,
      );
      const claim = { scope: id, key: "k", request_hash: "h", created_ms: 1, body: "a" };
      expect([await insertIdempotency(sql, claim), await insertIdempotency(sql, claim)]).toEqual([
        true,
        false,
      ]);
      const renewal = { scope: id, key: "k", from: "a", to: "b" };
      expect([await renewIdempotency(sql, renewal), await renewIdempotency(sql, renewal)]).toEqual([
        true,
        false,
      ]);
      await answerIdempotency(sql, { scope: id, key: "k", status: 201, body: "{}" });
      await deleteIdempotency(sql, id, "k");
      expect(await readIdempotency(sql, id, "k")).toMatchObject({ status: 201, body: "{}" });
      await sweepIdempotency(sql, 2);
      expect(await readIdempotency(sql, id, "k")).toBeUndefined();
    });
  });
}
