import { z } from "@hono/zod-openapi";
import type { RerunBody } from "../../client/api.ts";
import { GodwitError } from "../../core/errors.ts";
import { ROOT_ACTION } from "../../core/identity.ts";
import { abort } from "../../engine/abort.ts";
import type { EngineCore } from "../../engine/core.ts";
import { readInput, type StartRun } from "../../engine/start.ts";
import { readActions } from "../../store/actions.ts";
import { readDeployment } from "../../store/deployments.ts";
import type { RunRow } from "../../store/rows.ts";
import { type Caller, readVisibleRun } from "../auth/caller.ts";
import type { App } from "../parts.ts";
import { invalidRequest } from "../problem.ts";
import { resolveTask } from "../resolve-task.ts";
import { aborted } from "../schemas/action.ts";
import { abortBody, rerunBody, startedRun } from "../schemas/run.ts";
import { actionParams, jsonContent, runParams, wait } from "../schemas/shared.ts";
import { encodeGiven, encodeInput, startOf, startOnce } from "../start-run.ts";
import { answerStarted } from "../started-run.ts";
import { publicRoute } from "./public-route.ts";

const abortRun = publicRoute(
  "runs:write",
  {
    method: "post",
    path: "/v1/runs/{run}/abort",
    summary: "Abort a run and everything in it",
    tags: ["runs"],
    request: { params: runParams, body: { content: jsonContent(abortBody) } },
    responses: { 200: { description: "The phase it is in now", content: jsonContent(aborted) } },
  },
  { isOpenToTasks: true },
);

const abortAction = publicRoute("runs:write", {
  method: "post",
  path: "/v1/runs/{run}/actions/{action}/abort",
  summary: "Abort an action and everything below it",
  tags: ["actions"],
  request: { params: actionParams, body: { content: jsonContent(abortBody) } },
  responses: { 200: { description: "The phase it is in now", content: jsonContent(aborted) } },
});

const rerun = publicRoute("runs:write", {
  method: "post",
  path: "/v1/runs/{run}/rerun",
  summary: "Start a run again, reusing what succeeded if asked to",
  tags: ["runs"],
  request: { params: runParams, query: z.object({ wait }), body: { content: jsonContent(rerunBody) } },
  responses: {
    200: { description: "It ended within the wait", content: jsonContent(startedRun) },
    202: { description: "It was started; `Location` tells where to look", content: jsonContent(startedRun) },
  },
});

/** Ending runs, and starting them again. */
export function addRunControl(app: App): void {
  app.openapi(abortRun, async (c) => {
    const { core } = c.var.parts;
    const { id } = await readVisibleRun(core, c.var.caller, c.req.valid("param").run);
    const { reason = "asked for" } = c.req.valid("json");
    return c.json({ phase: await abort(core, { run: id, reason }) }, 200);
  });

  app.openapi(abortAction, async (c) => {
    const { core } = c.var.parts;
    const { run, action } = c.req.valid("param");
    await readVisibleRun(core, c.var.caller, run);
    const { reason = "asked for" } = c.req.valid("json");
    return c.json({ phase: await abort(core, { run, action, reason }) }, 200);
  });

  app.openapi(rerun, async (c) => {
    const { core } = c.var.parts;
    const old = await readVisibleRun(core, c.var.caller, c.req.valid("param").run);
    const settings = await rerunOf(core, c.var.caller, old, c.req.valid("json"));
    return answerStarted(c, await startOnce(core, c.var.runId, settings), c.req.valid("query").wait);
  });
}

async function rerunOf(core: EngineCore, caller: Caller, old: RunRow, asked: RerunBody): Promise<StartRun> {
  if (asked.recover === true && asked.fork !== undefined) {
    throw invalidRequest("`recover` and `fork` exclude each other: a fork recovers under other code");
  }
  const kind = asked.fork !== undefined ? "fork" : asked.recover === true ? "recover" : "rerun";
  const { force, changedOnly } = asked;
  return {
    ...(await newBase(core, caller, old, asked)),
    labels: JSON.parse(old.labels) as Record<string, string>,
    context: JSON.parse(old.context) as Record<string, string>,
    priority: old.priority,
    weight: old.weight,
    ...(old.action_limit !== null && { actionLimit: old.action_limit }),
    cacheMode: old.cache_mode as NonNullable<StartRun["cacheMode"]>,
    suspendMode: old.suspend_mode,
    strict: old.strict === 1,
    ...(caller.name !== null && { createdBy: caller.name }),
    origin: {
      run: old.id,
      kind,
      ...(force !== undefined && { force }),
      ...(changedOnly !== undefined && { changedOnly }),
    },
  };
}

/** Task, code and input of a rerun: those of the older run where nothing else is asked for. */
async function newBase(core: EngineCore, caller: Caller, old: RunRow, asked: RerunBody): Promise<StartRun> {
  const { project, domain, pool, task: name } = old;
  const input = await inputOf(core, old);
  const deployment = asked.fork ?? old.deployment;
  const isDeployed = (await core.driver.read((sql) => readDeployment(sql, deployment))) !== undefined;
  if (asked.fork === undefined && !isDeployed) {
    // A run that was started without a deployment, from a file on this machine: what is known is in its root action.
    const [root] = await core.driver.read((sql) =>
      readActions(sql, [{ run_id: old.id, action_id: ROOT_ACTION }]),
    );
    const options = JSON.parse(root?.options ?? "{}") as NonNullable<StartRun["options"]>;
    const given = asked.input === undefined ? input : encodeGiven(asked.input);
    return { task: name, deployment, pool, project, domain, options, input: given };
  }
  const task = await resolveTask(core, caller, { task: name, deployment, project });
  const checked = asked.input === undefined ? input : encodeInput(asked.input, task);
  return { ...startOf(task), input: checked };
}

async function inputOf(core: EngineCore, old: RunRow): Promise<string> {
  const input = await readInput(core, old.id, ROOT_ACTION);
  if (input !== undefined) return input;
  throw new GodwitError("ACTION_NOT_FOUND", `the run "${old.id}" has no root action`);
}
