import { type Bundle, buildBundle } from "../../bundle/build.ts";
import { describeDeployment } from "../../bundle/describe.ts";
import { refuseRunsWhileLoading } from "../../bundle/load.ts";
import { GodwitError } from "../../core/errors.ts";
import { DEFAULT_DOMAIN, DEFAULT_PROJECT } from "../../core/place.ts";
import { encodeValue } from "../../core/value.ts";
import { type StartRun, startRun } from "../../engine/start.ts";
import { withInputKept } from "../../local/starter.ts";
import { keepBundle } from "../../runner/bundles.ts";
import type { Registry } from "../../sdk/registry.ts";
import { insertDeployment } from "../../store/deployments.ts";
import type { Cli } from "../cli.ts";
import { warnOfPlainRecursion } from "../deploy/recursion-warning.ts";
import { parsePairs } from "../labels.ts";
import { pickTask, readTaskInput } from "../user-file.ts";
import type { RunOptions, WantedRun } from "../wanted.ts";
import { type LocalExecution, openExecution } from "./execution.ts";
import { resumeRun } from "./resume.ts";
import { connectSupervisor } from "./supervisor.ts";

/** Runs a task of a file in this process, on the store of this machine. */
export async function runLocally(cli: Cli, { file, task, flags, options }: WantedRun): Promise<number> {
  if (options.detach === true) throw cannotDetach();
  const supervisor = connectSupervisor();
  if (supervisor.resume !== undefined) return resumeRun(cli, supervisor, supervisor.resume.run);
  const bundle = await buildBundle(file, { external: options.external ?? [] });
  const execution = await openExecution(cli, supervisor, { root: bundle.root });
  const { project = DEFAULT_PROJECT, domain = DEFAULT_DOMAIN } = cli;
  const { registry, deployment } = await register(execution, bundle, { project, domain });
  await warnOfPlainRecursion(cli.terminal, { bundle, registry });
  const definition = pickTask(registry, file, task);
  const input = await readTaskInput(definition, { whole: options.input, flags });
  execution.start({ deployment, bundle: bundle.hash, project, domain });
  const start = {
    ...startOf(options),
    task: definition.name,
    options: definition.options,
    input: encodeValue(input),
    deployment,
    project,
    domain,
    pool: execution.pool,
  };
  const run = await startRun(execution.system.core, await withInputKept(start, execution.values));
  return execution.follow(run);
}

function cannotDetach(): GodwitError {
  return new GodwitError(
    "FLAG_INVALID",
    "--detach needs a coordinator: a run on this machine ends with its process",
    {
      hint: "Start one with `godwit dev`, and give its address with `--endpoint`.",
    },
  );
}

/** Keeps a bundle, loads it, and registers what it defines at a place. Gives the id of its deployment, too. */
export async function register(
  execution: LocalExecution,
  bundle: Bundle,
  place: { readonly project: string; readonly domain: string },
): Promise<{ readonly registry: Registry; readonly deployment: string }> {
  const { core, folder } = execution.system;
  await keepBundle(folder.bundles, bundle.hash, bundle.code);
  refuseRunsWhileLoading();
  const registry = await execution.tasks.load(bundle.hash);
  const { deployment, tasks } = await describeDeployment(bundle, registry, {
    ...place,
    nowMs: core.clock.now(),
  });
  // Where the project lies is for this machine only: it is not part of what is hashed.
  const source = JSON.stringify({ ...JSON.parse(deployment.source), root: bundle.root });
  await core.driver.transaction((sql) => insertDeployment(sql, { ...deployment, source }, tasks));
  return { registry, deployment: deployment.id };
}

function startOf(options: RunOptions): Omit<StartRun, "task" | "input" | "deployment" | "pool"> {
  const { name, label, context, cache, suspend, strict, priority, recover } = options;
  return {
    labels: { ...(name !== undefined && { name }), ...parsePairs(label, "--label") },
    context: parsePairs(context, "--context"),
    ...(cache !== undefined && { cacheMode: cache }),
    ...(suspend !== undefined && { suspendMode: suspend }),
    ...(strict !== undefined && { strict }),
    ...(priority !== undefined && { priority }),
    ...(recover !== undefined && { origin: { run: recover, kind: "recover" } }),
  };
}
