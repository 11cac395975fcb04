import { startRunner } from "../../server/runner.ts";
import { type RunnerSettings, runnerSettings } from "../../server/runner-settings.ts";
import { stopAsked } from "../../server/stop-signal.ts";
import { splitNames } from "../../server/variables.ts";
import type { Cli } from "../cli.ts";
import { EXIT } from "../exit-code.ts";
import { readWholeNumber } from "../flags/whole-number.ts";
import type { Part } from "./part.ts";

/** What executes tasks, anywhere that reaches the coordinator. */
export const runner: Part = {
  flags: [
    ["--processes <number>", "processes that execute tasks (GODWIT_PROCESSES)"],
    ["--slots <number>", "actions that each of them executes at once (GODWIT_SLOTS)"],
    ["--heap <MiB>", "memory for the JavaScript heap of each (GODWIT_HEAP_MIB)"],
    ["--pools <ids>", "the only deployments they serve, with commas (GODWIT_POOLS, default all)"],
    ["--environments <names>", "the only environments they serve (GODWIT_ENVIRONMENTS, default all)"],
    ["--name <name>", "what people know them by (GODWIT_RUNNER_NAME, default the name of this machine)"],
    ["--cache-dir <folder>", "where code is kept (GODWIT_CACHE_DIR, default a temporary folder)"],
    ["--secrets-dir <folder>", "secrets, as <project>/<domain>/<NAME> (GODWIT_SECRETS_DIR)"],
  ],
  async start(cli, options) {
    const { terminal } = cli;
    const { id, processes, refused, stop } = await startRunner(settingsOf(cli, options), {
      onDeath: ({ detail }) =>
        terminal.note(terminal.paint("yellow", `a runner died (${detail}); another takes over`)),
      onOutput: (text) => terminal.draw(text),
    });
    terminal.data(
      `godwit runner ${id} serves ${cli.endpoint} (${processes} ${processes === 1 ? "process" : "processes"})`,
    );
    const error = await Promise.race([stopAsked(), refused]);
    if (error === undefined) terminal.note("stopping; press Ctrl-C again to force");
    await stop();
    if (error !== undefined) throw error;
    return EXIT.ok;
  },
};

function settingsOf(cli: Cli, options: Readonly<Record<string, unknown>>): RunnerSettings {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const names = (name: string): readonly string[] | undefined => {
    const given = text(name);
    return given === undefined ? undefined : splitNames(given);
  };
  const given = runnerSettings(process.env);
  return {
    ...given,
    endpoint: cli.endpoint,
    apiKey: cli.token,
    project: cli.project,
    domain: cli.domain,
    processes: readWholeNumber(options["processes"], "--processes", 1) ?? given.processes,
    slots: readWholeNumber(options["slots"], "--slots", 1) ?? given.slots,
    heapMiB: readWholeNumber(options["heap"], "--heap", 16) ?? given.heapMiB,
    pools: names("pools") ?? given.pools,
    environments: names("environments") ?? given.environments,
    name: text("name") ?? given.name,
    cacheDir: text("cacheDir") ?? given.cacheDir,
    secretsDir: text("secretsDir") ?? given.secretsDir,
  };
}
