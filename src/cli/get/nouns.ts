import type {
  ActionDetail,
  ActionSummary,
  CacheEntryView,
  ConditionView,
  RunSummary,
  TaskSummary,
} from "../../client/api.ts";
import type { GodwitClient } from "../../client/client.ts";
import { formatDuration } from "../../core/duration.ts";
import { GodwitError } from "../../core/errors.ts";
import type { Phase } from "../../core/phase.ts";
import type { Cli } from "../cli.ts";
import { phaseWord, sign } from "../follow/words.ts";
import { checkRun, checkRunPlace, placeOf } from "../place.ts";
import { formatTime, placeName, printList, printOne } from "../print.ts";
import { printDeployments } from "./deployments.ts";
import { printKeys } from "./keys.ts";
import { take } from "./take.ts";

export interface GetOptions {
  readonly ids: readonly string[];
  readonly limit: number;
  readonly phase: readonly Phase[] | undefined;
  readonly task: string | undefined;
  readonly label: readonly string[] | undefined;
}

/** Something that `godwit get` shows. */
export interface Noun {
  print(cli: Cli, client: GodwitClient, options: GetOptions): Promise<void>;
}

const runs: Noun = {
  async print(cli, client, { ids, limit, phase, task, label }) {
    const [id] = ids;
    if (id !== undefined) return run.print(cli, client, { ids, limit, phase, task, label });
    const wanted = { ...(phase && { phase }), ...(task !== undefined && { task }), ...(label && { label }) };
    const query = { ...placeOf(cli), ...wanted };
    const found = await take<RunSummary>(limit, (at) => client.listRuns({ ...query, ...at }));
    return printList(cli, found, {
      header: ["RUN", "TASK", "PHASE", "CREATED", "TIME", "ACTIONS"],
      row: (item) => [
        item.id,
        item.task,
        `${sign(cli.terminal, item.phase)} ${phaseWord(item.phase)}`,
        formatTime(item.createdMs),
        elapsed(item.createdMs, item.endedMs),
        String(item.actionCount),
      ],
      id: (item) => item.id,
      place: (item) => item,
      empty: "There are no runs. `godwit run <file> <task>` starts one.",
    });
  },
};

const run: Noun = {
  async print(cli, client, { ids }) {
    const id = needed(ids[0], "run");
    const found = await client.getRun(id);
    checkRunPlace(cli, found);
    if (ids[1] !== undefined) return printAction(cli, await client.getAction(id, ids[1]));
    const { outcome } = await client.getResult(id);
    const detail = { ...found, outcome };
    return printOne(cli, detail, {
      id: found.id,
      fields: [
        ["run", found.id],
        ["task", found.task],
        ["place", placeName(found)],
        ["phase", `${sign(cli.terminal, found.phase)} ${phaseWord(found.phase)}`],
        ["created", formatTime(found.createdMs)],
        ["time", elapsed(found.createdMs, found.endedMs)],
        ["actions", String(found.actionCount)],
        ["deployment", found.deployment.slice(0, 12)],
        ["origin", found.origin === null ? "" : `${found.origin.kind} of ${found.origin.run}`],
        [
          "labels",
          Object.entries(found.labels)
            .map((pair) => pair.join("="))
            .join(" "),
        ],
        ["divergences", found.divergenceCount === 0 ? "" : String(found.divergenceCount)],
        ["error", found.error === null ? "" : `${found.error.code}: ${found.error.message}`],
        ["result", outcome?.ok === true ? JSON.stringify(outcome.value) : ""],
      ],
    });
  },
};

const actions: Noun = {
  async print(cli, client, { ids, limit, phase, task }) {
    const id = needed(ids[0], "run");
    await checkRun(cli, client, id);
    if (ids[1] !== undefined) return printAction(cli, await client.getAction(id, ids[1]));
    const query = { ...(phase && { phase }), ...(task !== undefined && { task }) };
    const found = await take<ActionSummary>(limit, (at) => client.listActions(id, { ...query, ...at }));
    return printList(cli, found, {
      header: ["ACTION", "TASK", "PHASE", "TIME", "ATTEMPT", "ERROR"],
      row: (item) => [
        item.id,
        item.task,
        `${sign(cli.terminal, item.phase)} ${phaseWord(item.phase)}`,
        elapsed(item.startedMs, item.endedMs),
        String(item.attempt),
        item.error === null ? "" : `${item.error.code}: ${firstLine(item.error.message)}`,
      ],
      id: (item) => item.id,
      empty: "No action of the run fits.",
    });
  },
};

function printAction(cli: Cli, action: ActionDetail): void {
  const { outcome } = action;
  printOne(cli, action, {
    id: action.id,
    fields: [
      ["action", action.id],
      ["task", action.task],
      ["phase", `${sign(cli.terminal, action.phase)} ${phaseWord(action.phase)}`],
      ["attempts", String(action.attempts.length)],
      ["time", elapsed(action.startedMs, action.endedMs)],
      ["parent", action.parent ?? ""],
      ["group", action.group ?? ""],
      ["code", action.codeHash?.slice(0, 12) ?? ""],
      ["input", JSON.stringify(action.input)],
      ["result", outcome?.ok === true ? JSON.stringify(outcome.value) : ""],
      ["error", outcome?.ok === false ? `${outcome.error.code}: ${outcome.error.message}` : ""],
    ],
  });
}

const tasks: Noun = {
  async print(cli, client, { ids, limit }) {
    const [name] = ids;
    if (name !== undefined) {
      const task = await client.getTask(name, placeOf(cli));
      return printOne(cli, task, {
        id: task.name,
        fields: [
          ["task", task.name],
          ["place", placeName(task)],
          ["description", task.description ?? ""],
          ["deployment", task.deployment.slice(0, 12)],
          ["deployed", formatTime(task.deployedMs)],
          ["input", task.inputSchema === null ? "" : JSON.stringify(task.inputSchema)],
          ["output", task.outputSchema === null ? "" : JSON.stringify(task.outputSchema)],
          ["options", JSON.stringify(task.options)],
          ["code", task.codeHash?.slice(0, 12) ?? ""],
        ],
      });
    }
    const found = await take<TaskSummary>(limit, (at) => client.listTasks({ ...placeOf(cli), ...at }));
    return printList(cli, found, {
      header: ["TASK", "VERSION", "DEPLOYED", "DESCRIPTION"],
      row: (item) => [item.name, item.version, formatTime(item.deployedMs), item.description ?? ""],
      id: (item) => item.name,
      empty: "There are no tasks. `godwit run <file> <task>` registers those of a file.",
    });
  },
};

const conditions: Noun = {
  async print(cli, client, { ids, limit }) {
    const [id] = ids;
    if (id !== undefined) await checkRun(cli, client, id);
    const found = await take<ConditionView>(limit, (at) =>
      client.listConditions({ ...placeOf(cli), ...(id && { run: id }), ...at }),
    );
    return printList(cli, found, {
      header: ["RUN", "CONDITION", "SINCE", "UNTIL", "PROMPT"],
      row: (item) => [
        item.run,
        item.name,
        formatTime(item.createdMs),
        formatTime(item.dueMs),
        firstLine(item.prompt ?? ""),
      ],
      id: (item) => `${item.run} ${item.name}`,
      place: (item) => item,
      empty: "No condition waits for an answer.",
    });
  },
};

const cache: Noun = {
  async print(cli, client, { limit, task }) {
    const query = { ...placeOf(cli), ...(task !== undefined && { task }) };
    const found = await take<CacheEntryView>(limit, (at) => client.listCache({ ...query, ...at }));
    return printList(cli, found, {
      header: ["KEY", "TASK", "CREATED", "RUN"],
      row: (item) => [item.key, item.task, formatTime(item.createdMs), item.run],
      id: (item) => item.key,
      place: (item) => item,
      empty: "The cache is empty.",
    });
  },
};

/** By the word after `get`; the singular of a list works too. */
export const NOUNS: Readonly<Record<string, Noun>> = {
  runs,
  run,
  actions,
  tasks,
  deployments: { print: printDeployments },
  conditions,
  cache,
  keys: { print: printKeys },
};

function needed(id: string | undefined, what: string): string {
  if (id !== undefined) return id;
  throw new GodwitError("FLAG_INVALID", `which ${what}?`, { hint: "`godwit get runs` lists them." });
}

function elapsed(fromMs: number | null, toMs: number | null): string {
  return fromMs === null ? "" : formatDuration((toMs ?? Date.now()) - fromMs);
}

function firstLine(text: string): string {
  return text.split("\n")[0] ?? "";
}
