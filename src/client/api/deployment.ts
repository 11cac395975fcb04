import type { CallOptions } from "../../core/call.ts";
import type { DeployedEnvironment, DeployedTask } from "../../core/deployment.ts";
import type { Json } from "../../core/error-record.ts";

export interface TaskSummary {
  readonly name: string;
  readonly description: string | null;
  readonly project: string;
  readonly domain: string;
  /** The newest deployment that has it. */
  readonly deployment: string;
  readonly version: string;
  readonly deployedMs: number;
}

export interface TaskDetail extends TaskSummary {
  /** JSON Schemas; null when the task has none. */
  readonly inputSchema: Json;
  readonly outputSchema: Json;
  readonly options: CallOptions;
  readonly codeHash: string | null;
}

/** What deploys environments together: all of them, or none. */
export interface DeployBody {
  readonly project?: string;
  readonly domain?: string;
  /** Default: of each environment, what its content says. */
  readonly version?: string;
  /** Where the code comes from: file, git commit, packages it leaves outside. */
  readonly source?: Json;
  /** Says what would happen and changes nothing; bundles need not be there yet. */
  readonly dryRun?: boolean;
  /** False: registers them for runs that name them, and leaves the latest what it is. Default true. */
  readonly activate?: boolean;
  readonly environments: readonly DeployedEnvironment[];
}

export interface DeploymentSummary {
  readonly id: string;
  readonly project: string;
  readonly domain: string;
  /** Null: a whole file, as a run on one machine registers it. */
  readonly environment: string | null;
  readonly version: string;
  /** SHA-256 of the code. */
  readonly bundle: string;
  readonly createdMs: number;
  /** When it was deployed last; null: it was only run. */
  readonly activatedMs: number | null;
}

export interface DeploymentDetail extends DeploymentSummary {
  readonly description: string | null;
  readonly env: Readonly<Record<string, string>>;
  /** The deployments of other environments that its tasks call, by environment. */
  readonly dependsOn: Readonly<Record<string, string>>;
  readonly source: Json;
  readonly tasks: readonly Required<DeployedTask>[];
}

/** What became of one environment of a {@link DeployBody}. */
export interface DeployedView {
  readonly id: string;
  readonly environment: string;
  readonly version: string;
  readonly bundle: string;
  /** False: the very same is deployed already. */
  readonly isNew: boolean;
  /** The deployment that was the newest of the environment before; null when there was none. */
  readonly previous: string | null;
}

export interface DeployReply {
  readonly project: string;
  readonly domain: string;
  readonly deployments: readonly DeployedView[];
}

export interface CacheEntryView {
  readonly key: string;
  readonly project: string;
  readonly domain: string;
  readonly task: string;
  /** Where the value was computed. */
  readonly run: string;
  readonly action: string;
  readonly createdMs: number;
}
