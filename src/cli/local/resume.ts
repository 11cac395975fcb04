import { GodwitError } from "../../core/errors.ts";
import type { EngineCore } from "../../engine/core.ts";
import { readRun } from "../../engine/read.ts";
import { loseDeadLocalRunners, openLocal } from "../../local/system.ts";
import { readDeployment } from "../../store/deployments.ts";
import type { Cli } from "../cli.ts";
import { LocalExecution } from "./execution.ts";
import type { Supervisor } from "./supervisor.ts";

/** Goes on with a run of this machine whose process is gone. */
export async function resumeRun(cli: Cli, supervisor: Supervisor, id: string): Promise<number> {
  const system = await openLocal({ dataDir: cli.dataDir });
  const { core } = system;
  await loseDeadLocalRunners(core);
  const run = await readRun(core, id);
  const root = run.ended_ms === null ? await projectRootOf(core, run.deployment, id) : process.cwd();
  const execution = new LocalExecution(cli, supervisor, system, { root });
  // Whatever of it was in the dead process's own pool has moved to that of the deployment.
  execution.start(run.deployment, [run.deployment]);
  return execution.follow(id);
}

/** The folder of the project a deployment was made of. @throws GodwitError DEPLOYMENT_NOT_FOUND */
export async function projectRootOf(core: EngineCore, deployment: string, run: string): Promise<string> {
  const found = await core.driver.read((sql) => readDeployment(sql, deployment));
  if (found === undefined) {
    throw new GodwitError("DEPLOYMENT_NOT_FOUND", `the code of run "${run}" was never bundled`, {
      hint: "Its script has to run again; `run(task, input, { recover })` reuses what succeeded.",
    });
  }
  return (JSON.parse(found.source) as { readonly root?: string }).root ?? process.cwd();
}
