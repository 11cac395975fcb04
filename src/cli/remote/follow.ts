import type { OutcomeView } from "../../client/api.ts";
import type { GodwitClient } from "../../client/client.ts";
import type { Outcome } from "../../core/outcome.ts";
import { isTerminal, type TerminalPhase } from "../../core/phase.ts";
import type { Cli } from "../cli.ts";
import { EXIT, exitCodeOfRun } from "../exit-code.ts";
import { openFollower } from "../follow/follow.ts";
import type { Follower } from "../follow/follower.ts";
import { printResult } from "../print-result.ts";

const LOGS_GRACE_MS = 2_000;

/** Shows a run of a coordinator until it has ended. Ctrl-C stops the watching, not the run. */
export async function followRemotely(cli: Cli, client: GodwitClient, run: string): Promise<number> {
  const { terminal } = cli;
  const follower = openFollower(terminal, { run, url: null, isLive: terminal.isLive });
  const stop = new AbortController();
  const onInterrupt = (): void => stop.abort();
  process.once("SIGINT", onInterrupt);
  const logs = cli.showsLogs ? showLogs(client, run, { follower, signal: stop.signal }) : Promise.resolve();
  try {
    const onReconnect = (): void => follower.say(`reconnecting to ${client.endpoint}`);
    for await (const event of client.events(run, { signal: stop.signal, onReconnect }))
      follower.show([event]);
  } catch (error) {
    follower.end();
    if (!stop.signal.aborted) throw error;
    terminal.note(`stopped watching; the run goes on. \`godwit abort ${run}\` stops it.`);
    return EXIT.interrupted;
  } finally {
    process.off("SIGINT", onInterrupt);
  }
  await Promise.race([logs, new Promise((resolve) => setTimeout(resolve, LOGS_GRACE_MS).unref())]);
  stop.abort();
  follower.end();
  return report(cli, client, run);
}

async function showLogs(
  client: GodwitClient,
  run: string,
  to: { readonly follower: Follower; readonly signal: AbortSignal },
): Promise<void> {
  try {
    for await (const { action, lines } of client.logs(run, { signal: to.signal }))
      to.follower.log(action, lines);
  } catch {
    // The run is what is watched; its log can be read later.
  }
}

async function report(cli: Cli, client: GodwitClient, run: string): Promise<number> {
  const { phase, outcome } = await client.getResult(run);
  if (!isTerminal(phase)) return EXIT.unreachable;
  printResult(cli, {
    run,
    phase: phase as TerminalPhase,
    outcome: outcome === null ? null : outcomeOf(outcome),
  });
  return exitCodeOfRun(phase);
}

function outcomeOf(outcome: OutcomeView): Outcome {
  return outcome.ok ? { ok: true, value: JSON.stringify(outcome.value) } : outcome;
}
