import type { Transport } from "../core/protocol.ts";
import type { Clock } from "../ports/clock.ts";
import type { Random } from "../ports/random.ts";
import type { SecretSource } from "../ports/secrets.ts";
import type { TaskSource } from "./tasks.ts";
import type { ValueOptions } from "./values.ts";

export const DEFAULT_SLOTS = 100;

/** What a runner needs, and how it behaves. */
export interface RunnerOptions extends ValueOptions {
  readonly transport: Transport;
  readonly tasks: TaskSource;
  /** Where the secrets are that tasks declare. Default: there are none. */
  readonly secrets?: SecretSource | undefined;
  /** Pools it serves; `*`: all that are not private. */
  readonly pools: readonly string[];
  /** Actions executed at once; a waiting parent does not count. Default 100: tasks mostly wait for something. */
  readonly slots?: number;
  readonly backend: string;
  readonly host: string;
  readonly pid: number;
  readonly id?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Cost of starting to execute a parked action again, apart from replaying it. Default 20 ms. */
  readonly startUpMs?: number;
  /** When the backend ends this process (epoch ms). */
  readonly endMs?: number;
  /** How long a poll may wait at the coordinator. Default 10 s. */
  readonly pollMs?: number;
  /** Told about exchanges that failed and are tried again. */
  readonly onRetry?: (error: unknown) => void;
}
