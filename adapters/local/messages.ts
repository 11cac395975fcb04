/** What a supervisor gives a child once, over IPC: never in the environment, where user code would read the token. */
export interface ChildOptions {
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly runner: string;
  readonly pools: readonly string[];
  readonly slots: number | undefined;
  /** What kind of place this is: `local` beside its coordinator, `host` anywhere else. */
  readonly backend: "local" | "host";
  /** Folder in which bundles are kept. */
  readonly dir: string;
  /** Folder in which secrets are; undefined when there is none. */
  readonly secretsDir: string | undefined;
  /** The only domain that gets secrets out of the environment; undefined: the default one. */
  readonly secretsDomain: string | undefined;
  /** Folder in which files and large values are; undefined when there is none. */
  readonly blobsDir: string | undefined;
  /** Folder of the project, for stacks; undefined when it is not on this machine. */
  readonly root: string | undefined;
}

export type ToChild =
  | { readonly type: "start"; readonly options: ChildOptions }
  | { readonly type: "stop"; readonly graceMs: number };

/** Something is executed that the coordinator may not have heard of: a death now is nobody's that it knows. */
export interface FromChild {
  readonly type: "state";
  readonly hasUnknown: boolean;
}

/** Exit code of a child that wants to be started again under a new id, and is to blame for nothing. */
export const START_AGAIN = 75;
