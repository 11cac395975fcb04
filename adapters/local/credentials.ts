import type { RunnerBody, RunnerCredentials } from "../../src/client/api.ts";
import { pause } from "../../src/client/backoff.ts";
import { Connection, readJson } from "../../src/client/connection.ts";
import { GodwitError } from "../../src/core/errors.ts";

/** Tokens of runners and of what started them, renewed for as long as they are needed. */
export interface HeldCredentials {
  /** What the ids of the runners begin with. */
  readonly runner: string;
  readonly pools: readonly string[];
  readonly token: string;
  readonly supervisorToken: string;
  /** Calls back with every new token of the runners. Returns what ends that. */
  onRenewed(tell: (token: string) => void): () => void;
  /** Renews them no more. */
  stop(): void;
}

export interface CredentialsOptions {
  readonly endpoint: string;
  /** API key with the scope `runners`; undefined for a coordinator that asks nobody for one. */
  readonly apiKey: string | undefined;
  /** What the runner is for. */
  readonly wanted: RunnerBody;
  /** The key is good no more: what is held ends with the tokens. */
  readonly onRefused: (error: GodwitError) => void;
}

const FIRST_TRIES = 3;
const PATIENCE_MS = 10_000;
const AGAIN_MS = 5_000;

/**
 * Gets credentials for runners from a coordinator and keeps them fresh. The runner keeps its id, so what it holds
 * outlives every token.
 *
 * @throws GodwitError UNAUTHENTICATED, FORBIDDEN, DEPLOYMENT_NOT_FOUND; ENDPOINT_UNREACHABLE
 */
export async function holdCredentials(options: CredentialsOptions): Promise<HeldCredentials> {
  const { endpoint, apiKey, wanted } = options;
  const connection = new Connection({ endpoint, token: apiKey });
  const stopped = new AbortController();
  const listeners = new Set<(token: string) => void>();
  const ask = (body: RunnerBody, retries: number): Promise<RunnerCredentials> =>
    connection.send(
      {
        method: "POST",
        path: "/v1/runners",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body),
        timeoutMs: PATIENCE_MS,
        signal: stopped.signal,
        retries,
      },
      readJson<RunnerCredentials>,
    );
  let held = await ask(wanted, FIRST_TRIES);
  const renew = async (): Promise<void> => {
    for (let waitMs = held.renewInMs; ; waitMs = held.renewInMs) {
      await pause(waitMs, stopped.signal);
      held = await untilRenewed(() => ask({ ...wanted, runner: held.runner }, FIRST_TRIES), stopped.signal);
      for (const tell of listeners) tell(held.token);
    }
  };
  renew().catch((error: unknown) => {
    if (!stopped.signal.aborted) options.onRefused(refusal(error));
  });
  return {
    runner: held.runner,
    pools: held.pools,
    get token() {
      return held.token;
    },
    get supervisorToken() {
      return held.supervisorToken;
    },
    onRenewed(tell) {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    stop: () => stopped.abort(),
  };
}

/** Asks until there is an answer. @throws GodwitError UNAUTHENTICATED, FORBIDDEN, which asking again does not change */
async function untilRenewed(
  ask: () => Promise<RunnerCredentials>,
  signal: AbortSignal,
): Promise<RunnerCredentials> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      signal.throwIfAborted();
      if (isFinal(error)) throw error;
      await pause(AGAIN_MS, signal);
    }
  }
}

function isFinal(error: unknown): boolean {
  return error instanceof GodwitError && (error.code === "UNAUTHENTICATED" || error.code === "FORBIDDEN");
}

function refusal(error: unknown): GodwitError {
  if (error instanceof GodwitError) return error;
  return new GodwitError("INTERNAL", "the runner's credentials cannot be renewed", { cause: error });
}
