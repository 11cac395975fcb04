import type { CallOptions } from "../../core/call.ts";
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

/** A task as it is deployed. */
export interface DeployedTaskBody {
  readonly name: string;
  readonly description?: string | null;
  /** JSON Schema (2020-12) of the input; null or absent accepts anything. */
  readonly inputSchema?: Json;
  readonly outputSchema?: Json;
  readonly options?: CallOptions;
  readonly codeHash?: string | null;
}

/** What registers a deployment under the hash of its content. */
export interface DeploymentBody {
  readonly project?: string;
  readonly domain?: string;
  /** For people. Default: the id. */
  readonly version?: string;
  /** Where the code comes from and where its bundle is. */
  readonly source?: Json;
  readonly tasks: readonly DeployedTaskBody[];
}

export interface DeploymentSummary {
  readonly id: string;
  readonly project: string;
  readonly domain: string;
  readonly version: string;
  readonly createdMs: number;
}

export interface DeploymentDetail extends DeploymentSummary {
  readonly source: Json;
  readonly tasks: readonly Required<DeployedTaskBody>[];
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
