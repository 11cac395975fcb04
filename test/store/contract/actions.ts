import { expect } from "vitest";
import {
  countCalls,
  insertActions,
  moveActions,
  readActions,
  readActiveActions,
  readJournal,
  readOutcomes,
  type SettleRow,
  settleActionRows,
} from "../../../src/store/actions.ts";
import { insertAttempts, readAttempts } from "../../../src/store/attempts.ts";
import { readCheckpoints, saveCheckpoint } from "../../../src/store/checkpoints.ts";
import { insertDivergences, readDivergences } from "../../../src/store/divergences.ts";
import { appendEvents, readEvents, type StoredEvent } from "../../../src/store/events.ts";
import { appendLogs, listLogs } from "../../../src/store/logs.ts";
import { insertRun, readRuns, updateRuns } from "../../../src/store/runs.ts";
import type { Store } from "./host.ts";
import { insertSampleRun, sampleAction, sampleRun, withoutValues } from "./samples.ts";

const END_MS = 1_760_000_005_000;

export function actionContract(store: Store): void {
  const { it } = store;

  function ending(run: string, id: string, over: Partial<SettleRow> = {}): SettleRow {
    const base = { run_id: run, id, phase: "succeeded", seq: 1, started_ms: 1_760_000_001_000 } as const;
    return { ...base, ended_ms: END_MS, result: "42", ...over };
  }

  it("gives runs back as they were written, and tells a taken id", async () => {
    const run = sampleRun({
      weight: 0.3,
      priority: -2,
      started_ms: 1,
      action_limit: 5,
      error: '{"code":"X"}',
    });
    expect(await store.driver.transaction((sql) => insertRun(sql, run))).toBe(true);
    expect(await store.driver.transaction((sql) => insertRun(sql, run))).toBe(false);
    const changed = { ...run, phase: "running" as const, event_seq: 7, started_ms: null };
    await store.driver.transaction((sql) => updateRuns(sql, [changed]));
    expect(await store.driver.read((sql) => readRuns(sql, [run.id, "r-none"]))).toEqual([changed]);
  });

  it("gives actions back as they were written", async () => {
    const run = await insertSampleRun(store.driver);
    const rows = [
      sampleAction(run, "a0", { parent_id: null, kind: "task", waits: null }),
      sampleAction(run, "c1", { map_id: 3, tolerated: 1, group_name: "a/b", cache_key: "k", code_hash: "h" }),
    ];
    expect(await store.driver.transaction((sql) => insertActions(sql, rows))).toEqual([true, true]);
    const found = await store.driver.read((sql) =>
      readActions(
        sql,
        ["c1", "a0", "none"].map((action_id) => ({ run_id: run, action_id })),
      ),
    );
    expect(found.toSorted((a, b) => a.id.localeCompare(b.id))).toEqual(rows.map(withoutValues));
  });

  it("settles an action once", async () => {
    const run = await insertSampleRun(store.driver, ["c1", "c2"]);
    const first = await store.driver.transaction((sql) =>
      settleActionRows(sql, [ending(run, "c1"), ending(run, "none")]),
    );
    expect(first).toEqual([true, false]);
    const second = await store.driver.transaction((sql) =>
      settleActionRows(sql, [
        ending(run, "c1", { phase: "failed", result: '"late"', seq: 9 }),
        ending(run, "c2", { phase: "failed", result: '"no"', seq: 2 }),
      ]),
    );
    expect(second).toEqual([false, true]);
    const outcomes = await store.driver.read((sql) =>
      readOutcomes(sql, [
        { run_id: run, action_id: "c1" },
        { run_id: run, action_id: "c2" },
      ]),
    );
    expect(outcomes.map(({ id, phase, result }) => [id, phase, result]).toSorted()).toEqual([
      ["c1", "succeeded", "42"],
      ["c2", "failed", '"no"'],
    ]);
  });

  it("moves active actions and leaves ended ones alone", async () => {
    const run = await insertSampleRun(store.driver, ["c1", "c2"]);
    await store.driver.transaction((sql) => settleActionRows(sql, [ending(run, "c2")]));
    const rows = ["c1", "c2"].map((id) =>
      withoutValues(sampleAction(run, id, { phase: "running", attempt: 3, started_ms: 5, waits: '{"w":1}' })),
    );
    await store.driver.transaction((sql) => moveActions(sql, rows));
    const found = await store.driver.read((sql) =>
      readActions(
        sql,
        rows.map(({ id }) => ({ run_id: run, action_id: id })),
      ),
    );
    expect(found.find(({ id }) => id === "c1")).toMatchObject({
      phase: "running",
      attempt: 3,
      started_ms: 5,
    });
    expect(found.find(({ id }) => id === "c2")).toMatchObject({
      phase: "succeeded",
      attempt: 0,
      waits: null,
    });
    expect((await store.driver.read((sql) => readActiveActions(sql, run))).map(({ id }) => id)).toEqual([
      "c1",
    ]);
  });

  it("counts a parent's calls", async () => {
    const run = await insertSampleRun(store.driver, ["a0"]);
    const parent = withoutValues(sampleAction(run, "a0", { children: 12, settled: 4, waits: "[]" }));
    await store.driver.transaction((sql) => countCalls(sql, [parent]));
    const found = await store.driver.read((sql) => readActions(sql, [{ run_id: run, action_id: "a0" }]));
    expect(found[0]).toMatchObject({ children: 12, settled: 4, waits: "[]" });
  });

  it("pages through a parent's journal in the order of its sequence", async () => {
    const ids = Array.from({ length: 25 }, (_, i) => `c${i}`);
    const run = await insertSampleRun(store.driver, [...ids, "active"]);
    const ends = ids.map((id, i) => ending(run, id, { seq: 25 - i, result: String(i) }));
    await store.driver.transaction((sql) => settleActionRows(sql, ends));
    const seqs: number[] = [];
    for (let since = 0; ; since = seqs.at(-1) ?? 0) {
      const page = await store.driver.read((sql) =>
        readJournal(sql, { runId: run, parentId: "a0", since, limit: 10 }),
      );
      seqs.push(...page.map(({ seq }) => seq));
      if (page.length < 10) break;
    }
    expect(seqs).toEqual(ids.map((_, i) => i + 1));
    const [last] = await store.driver.read((sql) =>
      readJournal(sql, { runId: run, parentId: "a0", since: 24, limit: 10 }),
    );
    expect(last).toEqual({ seq: 25, id: "c0", phase: "succeeded", result: "0", ended_ms: END_MS });
    expect(
      await store.driver.read((sql) => readJournal(sql, { runId: run, parentId: "c1", since: 0, limit: 10 })),
    ).toEqual([]);
  });
}

export function historyContract(store: Store): void {
  const { it } = store;

  it("goes on with events in the middle of a block", async () => {
    const run = await insertSampleRun(store.driver, ["a0"]);
    const event = (atMs: number, action = "a0"): StoredEvent => [atMs, action, "running", 1];
    await store.driver.transaction(async (sql) => {
      await appendEvents(sql, run, 3, [event(1), event(2), event(3, "")]);
      await appendEvents(sql, run, 4, [event(4)]);
      await appendEvents(sql, run, 7, [
        event(5),
        event(6, "gone"),
        [7, "a0", "failed", 1, { code: "X", message: "m" }],
      ]);
    });
    const after = (seq: number): Promise<(readonly [number, number])[]> =>
      store.driver.read(async (sql) => (await readEvents(sql, run, seq)).map(({ seq, atMs }) => [seq, atMs]));
    expect(await after(0)).toEqual([1, 2, 3, 4, 5, 7].map((n) => [n, n]));
    expect(await after(2)).toEqual([3, 4, 5, 7].map((n) => [n, n]));
    expect(await after(5)).toEqual([[7, 7]]);
    expect(await after(7)).toEqual([]);
    const events = await store.driver.read((sql) => readEvents(sql, run, 2));
    expect(events[0]).toEqual({ type: "run", seq: 3, atMs: 3, phase: "running" });
    expect(events.at(-1)).toMatchObject({
      type: "action",
      task: "env.child",
      error: { code: "X", message: "m" },
    });
  });

  it("reads a long history a few blocks at a time", async () => {
    const run = await insertSampleRun(store.driver, ["a0"]);
    await store.driver.transaction(async (sql) => {
      for (let seq = 1; seq <= 50; seq++) await appendEvents(sql, run, seq, [[seq, "a0", "queued", 0]]);
    });
    let seen = 0;
    for (;;) {
      const events = await store.driver.read((sql) => readEvents(sql, run, seen));
      if (events.length === 0) break;
      expect(events[0]?.seq).toBe(seen + 1);
      seen = events.at(-1)?.seq ?? seen;
    }
    expect(seen).toBe(50);
  });

  it("keeps attempts, the latest checkpoint, logs and divergences of an action", async () => {
    const run = await insertSampleRun(store.driver, ["a0"]);
    const attempt = {
      run_id: run,
      action_id: "a0",
      attempt: 1,
      runner_id: null,
      started_ms: null,
      ended_ms: 5,
      end_kind: "user" as const,
      error: "{}",
    };
    const divergence = {
      run_id: run,
      nth: 1,
      action_id: "a0",
      kind: "new_call" as const,
      call_id: "c",
      task: "t",
      detail: "d",
      at_ms: 7,
    };
    await store.driver.transaction(async (sql) => {
      await insertAttempts(sql, [{ ...attempt, attempt: 2 }, attempt]);
      await insertAttempts(sql, [attempt]);
      const at = { runId: run, actionId: "a0" };
      await saveCheckpoint(sql, { ...at, attempt: 1 }, { value: "1", seq: 10 });
      await saveCheckpoint(sql, { ...at, attempt: 1 }, { value: "2", seq: 20 });
      await saveCheckpoint(sql, { ...at, attempt: 2 }, { value: "3", seq: 30 });
      await saveCheckpoint(sql, { ...at, attempt: 2 }, { value: "4", seq: 40 });
      await insertDivergences(sql, [divergence]);
      for (const text of ["one", "two"])
        await appendLogs(sql, { runId: run, actionId: "a0", attempt: 1, lines: [text] as never });
    });
    await store.driver.read(async (sql) => {
      expect(await readAttempts(sql, run, "a0")).toEqual([attempt, { ...attempt, attempt: 2 }]);
      const key = { run_id: run, action_id: "a0" };
      for (const [attempt, value] of [
        [2, "2"],
        [3, "4"],
      ] as const) {
        const seq = Number(value) * 10;
        expect(await readCheckpoints(sql, [{ ...key, attempt }])).toEqual([{ ...key, value, seq }]);
      }
      expect(await readDivergences(sql, run)).toEqual([divergence]);
      const all = { runId: run, action: null, attempt: null };
      const logs = [1, 2].map((seq) => ({
        action_id: "a0",
        attempt: 1,
        seq,
        body: JSON.stringify([["one", "two"][seq - 1]]),
      }));
      expect(await listLogs(sql, { ...all, action: "a0", attempt: 1 }, { after: null, limit: 9 })).toEqual(
        logs,
      );
      expect(await listLogs(sql, { ...all, attempt: 2 }, { after: null, limit: 9 })).toEqual([]);
      expect(await listLogs(sql, all, { after: 1, limit: 9 })).toEqual(logs.slice(1));
    });
  });
}
