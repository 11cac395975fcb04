/** One execution of an action by a runner. */
export interface Execution {
  readonly nth: number;
  readonly run: string;
  readonly action: string;
  readonly task: string;
  readonly token: string;
  readonly attempt: number;
  readonly runner: string;
  /** What user code saw, in order. */
  readonly seen: string[];
  /** User code threw. */
  hasFailed: boolean;
}

/** What user code noticed, kept outside of the system. */
export class Evidence {
  readonly executions: Execution[] = [];

  begin(of: Omit<Execution, "nth" | "seen" | "hasFailed">): Execution {
    const execution = { ...of, nth: this.executions.length, seen: [], hasFailed: false };
    this.executions.push(execution);
    return execution;
  }
}
