import { buildBundle } from "../../bundle/build.ts";
import { ROOT_ACTION } from "../../core/identity.ts";
import { encodeValue } from "../../core/value.ts";
import { readRun } from "../../engine/read.ts";
import { type RunOrigin, readInput, startRun } from "../../engine/start.ts";
import { withInputKept } from "../../local/starter.ts";
import { openLocal } from "../../local/system.ts";
import type { RunRow } from "../../store/rows.ts";
import type { Cli } from "../cli.ts";
import { warnOfPlainRecursion } from "../deploy/recursion-warning.ts";
import { checkRunPlace } from "../place.ts";
import { pickTask, readTaskInput } from "../user-file.ts";
import type { WantedRerun } from "../wanted.ts";
import { LocalExecution } from "./execution.ts";
import { codeOfRun, resumeRun } from "./resume.ts";
import { register } from "./run.ts";
import { connectSupervisor } from "./supervisor.ts";

/** Runs an older run of this machine again: all of it, what failed, or what has other code now. */
export async function rerunLocally(cli: Cli, wanted: WantedRerun): Promise<number> {
  const supervisor = connectSupervisor();
  if (supervisor.resume !== undefined) return resumeRun(cli, supervisor, supervisor.resume.run);
  const system = await openLocal({ dataDir: cli.dataDir });
  const { core } = system;
  const old = await readRun(core, wanted.run);
  checkRunPlace(cli, old);
  const { project, domain } = old;
  const { file, external = [] } = wanted;
  const built = file === undefined ? undefined : await buildBundle(file, { external });
  const { bundle, root } =
    built === undefined ? await codeOfRun(core, old) : { bundle: built.hash, root: built.root };
  const execution = new LocalExecution(cli, supervisor, system, { root });
  const { registry, deployment } =
    built === undefined
      ? { registry: await execution.tasks.load(bundle), deployment: old.deployment }
      : await register(execution, built, { project, domain });
  if (built !== undefined) await warnOfPlainRecursion(cli.terminal, { bundle: built, registry });
  const definition = pickTask(registry, file ?? "the run's code", old.task);
  const input =
    wanted.input === undefined
      ? await readInput(core, old.id, ROOT_ACTION)
      : encodeValue(await readTaskInput(definition, { whole: wanted.input, flags: [] }));
  execution.start({ deployment, bundle, project, domain });
  const start = {
    ...continued(old),
    task: definition.name,
    input: input ?? encodeValue(undefined),
    options: definition.options,
    deployment,
    project,
    domain,
    pool: execution.pool,
    origin: originOf(wanted),
  };
  const run = await startRun(core, await withInputKept(start, execution.values));
  return execution.follow(run);
}

/** What a run hands on to one that comes from it. */
function continued(old: RunRow): { labels: Record<string, string>; context: Record<string, string> } {
  return {
    labels: JSON.parse(old.labels) as Record<string, string>,
    context: JSON.parse(old.context) as Record<string, string>,
  };
}

function originOf({ run, kind, force, isChangedOnly }: WantedRerun): RunOrigin {
  return {
    run,
    kind,
    ...(force !== undefined && { force }),
    ...(isChangedOnly === true && { changedOnly: true }),
  };
}
