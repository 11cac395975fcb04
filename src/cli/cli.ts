import type { Configuration } from "../config/load.ts";
import type { Terminal } from "./terminal.ts";

/** How data is printed. */
export type OutputFormat = "json" | "table" | "id";

/** What every verb gets. */
export interface Cli {
  readonly terminal: Terminal;
  /** Every setting, and where it comes from. */
  readonly config: Configuration;
  /** Why the configuration could not be read, for verbs that go on without; else undefined. */
  readonly configFault: unknown;
  readonly isVerbose: boolean;
  readonly output: OutputFormat;
  /** What tasks print is shown while a run is followed. */
  readonly showsLogs: boolean;
  /** Data folder. */
  readonly dataDir: string | undefined;
  /** Coordinator to talk to; undefined: the engine in this process. */
  readonly endpoint: string | undefined;
  readonly token: string | undefined;
  /** Project whose runs, tasks and secrets are meant; undefined: none was named, which is `default` on this machine. */
  readonly project: string | undefined;
  /** Domain inside the project; undefined: none was named, which is `development` on this machine. */
  readonly domain: string | undefined;
}

/** What a verb was called with. */
export interface Invocation {
  /** Arguments by position. */
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  /** Prints the help of the command. */
  showHelp(): void;
}
