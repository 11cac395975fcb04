import { startCoordinator } from "../../src/server/coordinator.ts";
import { coordinatorSettings } from "../../src/server/coordinator-settings.ts";
import { failProcess, logLine } from "../../src/server/process-log.ts";
import { stopAsked } from "../../src/server/stop-signal.ts";

/**
 * A coordinator as a Node process, configured by the environment alone: `node functions/node/coordinator.js`.
 * `godwit start coordinator` is the same with flags.
 */
try {
  const { url, advice, stop } = await startCoordinator(coordinatorSettings(process.env), (entry) =>
    logLine(entry.level, entry.message, entry),
  );
  for (const text of advice) logLine("warn", text);
  logLine("info", `coordinator at ${url}`);
  await stopAsked();
  await stop();
} catch (error) {
  failProcess(error);
}
