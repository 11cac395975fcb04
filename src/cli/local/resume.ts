import { GodwitError } from "../../core/errors.ts";
import type { EngineCore } from "../../engine/core.ts";
import { readRun } from "../../engine/read.ts";
import { loseDeadLocalRunners, openLocal } from "../../local/system.ts";
import { readDeployment } from "../../store/deployments.ts";
import type { RunRow } from "../../store/rows.ts";
import type { Cli } from "../cli.ts";
import { checkRunPlace } from "../place.ts";
import { LocalExecution } from "./execution.ts";
import type { Supervisor } from "./supervisor.ts";

/** Goes on with a run of this machine whose process is gone. */
export async function resumeRun(cli: Cli, supervisor: Supervisor, id: string): Promise<number> {
  const system = await openLocal({ dataDir: cli.dataDir });
  const { core } = system;
  await loseDeadLocalRunners(core);
  const run = await readRun(core, id);
  checkRunPlace(cli, run);
  const { deployment, project, domain } = run;
  const code =
    run.ended_ms === null ? await codeOfRun(core, run) : { bundle: deployment, root: process.cwd() };
  const execution = new LocalExecution(cli, supervisor, system, { root: code.root });
  // Whatever of it was in the dead process's own pool has moved to that of the deployment.
  execution.start({ deployment, bundle: code.bundle, project, domain }, [deployment]);
  return execution.follow(id);
}

/** The code of a run, and the folder of the project it was made of. @throws GodwitError DEPLOYMENT_NOT_FOUND */
export async function codeOfRun(
  core: EngineCore,
  { id: run, deployment }: Pick<RunRow, "id" | "deployment">,
): Promise<{ readonly bundle: string; readonly root: string }> {
  const found = await core.driver.read((sql) => readDeployment(sql, deployment));
  if (found === undefined) {
    throw new GodwitError("DEPLOYMENT_NOT_FOUND", `the code of run "${run}" was never bundled`, {
      hint: "Its script has to run again; `run(task, input, { recover })` reuses what succeeded.",
    });
  }
  const { root = process.cwd() } = JSON.parse(found.source) as { readonly root?: string };
  return { bundle: found.bundle, root };
}
