import { hostname } from "node:os";
import { Connection } from "../../src/client/connection.ts";
import { LocalRunner, type LocalRunnersOptions, type RunnerDeath } from "./supervisor.ts";

export interface LocalRunners {
  /** Hands back what is not done within `graceMs`, and ends the processes. */
  stop(options: { readonly graceMs: number }): Promise<void>;
}

/**
 * Starts runners on this machine, child processes that serve a coordinator over HTTP, and keeps them running: one that
 * dies is reported at once, so that nobody waits for its leases to expire, and replaced.
 */
export function startLocalRunners(options: LocalRunnersOptions): LocalRunners {
  const { endpoint, credentials } = options;
  const reporter = new Connection({ endpoint, token: () => credentials?.supervisorToken });
  const report = async (death: RunnerDeath): Promise<void> => {
    options.onDeath?.(death);
    const { runner, ...body } = death;
    await reporter.send(
      {
        method: "POST",
        path: `/internal/v1/runners/${encodeURIComponent(runner)}/lost`,
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        retries: RETRIES,
      },
      () => Promise.resolve(),
    );
  };
  const runners = Array.from({ length: options.count }, (_, index) => {
    const name = credentials?.runner ?? `local-${hostname()}-${process.pid}`;
    return new LocalRunner(`${name}.${index}`, options, report);
  });
  return {
    async stop({ graceMs }) {
      await Promise.all(runners.map((runner) => runner.stop(graceMs)));
    },
  };
}

const RETRIES = 5;
