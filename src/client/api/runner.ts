/** What asks for the credentials of a runner, or renews them. */
export interface RunnerBody {
  /** What people know it by: the beginning of its id. Letters, digits, `_` and `-`. Default `runner`. */
  readonly name?: string;
  /** The only deployments it serves. Default: all of its project, those of later too. */
  readonly pools?: readonly string[];
  /** The only environments it serves, in every version. Not together with `pools`. */
  readonly environments?: readonly string[];
  /** The only project it serves. Default: that of the caller's key, or all. */
  readonly project?: string;
  /** The only domain it serves. Default: all. */
  readonly domain?: string;
  /** The runner whose credentials are renewed: it keeps its id, and what it holds. */
  readonly runner?: string;
}

/** Short-lived credentials of a runner, and of what started it. */
export interface RunnerCredentials {
  /** Id of the runner; the processes that it consists of are called `<runner>.…`. */
  readonly runner: string;
  /** Lets the runner lease and report. */
  readonly token: string;
  /** Lets whoever started it say how its processes ended. */
  readonly supervisorToken: string;
  /** What the runner announces that it serves. */
  readonly pools: readonly string[];
  /** When both tokens end (epoch ms, by the coordinator's clock). */
  readonly expiresMs: number;
  /** How long from now on to wait until they are renewed. */
  readonly renewInMs: number;
}
