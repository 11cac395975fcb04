import { failProcess, logLine } from "../../src/server/process-log.ts";
import { startRunner } from "../../src/server/runner.ts";
import { runnerSettings } from "../../src/server/runner-settings.ts";
import { stopAsked } from "../../src/server/stop-signal.ts";

/**
 * Runners as a Node process, configured by the environment alone: `node functions/node/runner.js`. `godwit start
 * runner` is the same with flags.
 */
try {
  const { id, processes, refused, stop } = await startRunner(runnerSettings(process.env), {
    onDeath: ({ runner, detail }) => logLine("warn", `${runner} died (${detail}); another takes over`),
    onOutput: (text) => process.stderr.write(text),
  });
  logLine("info", `runner ${id} (${processes} ${processes === 1 ? "process" : "processes"})`);
  const error = await Promise.race([stopAsked(), refused]);
  await stop();
  if (error !== undefined) throw error;
} catch (error) {
  failProcess(error);
}
