import { tasksOf } from "../../bundle/environments.ts";
import { loadFile } from "../../bundle/load.ts";
import { GodwitClient } from "../../client/client.ts";
import { GodwitError } from "../../core/errors.ts";
import type { Cli, Invocation } from "../cli.ts";
import { chooseEnvironments } from "../deploy/choose.ts";
import { warnOfPlainRecursion } from "../deploy/recursion-warning.ts";
import { deployRelease, type PreparedRelease, planRelease, prepareRelease } from "../deploy/release.ts";
import { printRelease, reportChanges, reportOf } from "../deploy/report.ts";
import { EXIT } from "../exit-code.ts";
import { placeOf } from "../place.ts";
import { collect, type Verb, withExamples } from "../verb.ts";

export const verb: Verb = {
  configure(command) {
    withExamples(command, [
      "godwit deploy etl.ts",
      "godwit deploy etl.ts models --version 2026.11",
      "godwit deploy etl.ts --dry-run",
    ]);
    command
      .argument("<file>", "file that defines or imports the tasks")
      .argument(
        "[environments...]",
        "environments to deploy, with all they depend on (default all with tasks)",
      )
      .option("--version <text>", "version of all of them (default what their content says)")
      .option("--dry-run", "say what would change, upload and deploy nothing")
      .option("--external <package>", "leave a package out of the bundles; may be repeated", collect);
  },
  async run(cli, invocation) {
    const client = clientOf(cli);
    const release = await prepare(cli, invocation);
    const version = invocation.options["version"] as string | undefined;
    const isDryRun = invocation.options["dryRun"] === true;
    const deploy = isDryRun ? planRelease : deployRelease;
    const reply = await deploy(client, release, { version, ...placeOf(cli) });
    const environments = isDryRun ? await reportChanges(client, release, reply) : reportOf(release, reply);
    printRelease(cli, reply, { environments, endpoint: client.endpoint, isDryRun });
    return EXIT.ok;
  },
};

function clientOf({ endpoint, token }: Cli): GodwitClient {
  if (endpoint !== undefined) return new GodwitClient({ endpoint, token });
  throw new GodwitError("FLAG_INVALID", "deploy needs a coordinator, and no endpoint is configured", {
    hint: "Give `--endpoint <url>`, set GODWIT_ENDPOINT or choose a profile; `godwit dev` serves one on this machine.",
  });
}

/** Everything that can fail on this machine. */
async function prepare(cli: Cli, { args, options }: Invocation): Promise<PreparedRelease> {
  const [path = "", ...names] = args;
  const external = (options["external"] as readonly string[] | undefined) ?? [];
  const file = await loadFile(path, { external });
  const known = file.registry
    .environments()
    .map(({ name }) => ({ name, taskCount: tasksOf(file.registry, name).length }));
  const environments = chooseEnvironments(known, names, path);
  await warnOfPlainRecursion(cli.terminal, file, environments);
  return prepareRelease(file, environments, { external });
}
