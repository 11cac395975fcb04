import { z } from "@hono/zod-openapi";
import type { ZodType } from "zod";
import type {
  CacheEntryView,
  DeployBody,
  DeploymentDetail,
  DeploymentSummary,
  DeployReply,
  TaskDetail,
  TaskSummary,
} from "../../client/api.ts";
import type { DeployedEnvironment, DeployedTask } from "../../core/deployment.ts";
import { findSchemaFault } from "../schema-check.ts";
import { callOptions } from "./call-options.ts";
import { json, placeName } from "./shared.ts";

const version = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, "must be letters, digits, `.`, `_` and `-`")
  .refine((text) => text !== "latest" && text !== "current", "`latest` and `current` mean other versions");

/** A JSON Schema that can be used to check values. */
const schema = json.superRefine((given, context) => {
  if (given === null) return;
  const isSchema = typeof given === "boolean" || (typeof given === "object" && !Array.isArray(given));
  const fault = isSchema ? findSchemaFault(given) : "must be a JSON Schema";
  if (fault !== null) context.addIssue({ code: "custom", message: fault });
});

const task: ZodType<DeployedTask> = z
  .strictObject({
    name: z.string().min(1).max(256),
    description: z.string().max(10_000).nullable().optional(),
    inputSchema: schema.optional(),
    outputSchema: schema.optional(),
    options: callOptions.optional(),
    codeHash: z.string().max(128).nullable().optional(),
  })
  .openapi("DeployedTask") as ZodType<DeployedTask>;

export const deploymentId: ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "must be letters, digits, `.`, `_` and `-`");

export const sha256: ZodType<string> = z.string().regex(/^[0-9a-f]{64}$/, "must be a SHA-256 in hex");

const environmentName = z
  .string()
  .max(63)
  .regex(/^[a-z0-9][a-z0-9_-]*$/, "must be lower case letters, digits, `_` and `-`");

const environment: ZodType<DeployedEnvironment> = z
  .strictObject({
    name: environmentName,
    bundle: sha256,
    description: z.string().max(10_000).nullable().optional(),
    env: z.record(z.string().max(256), z.string().max(32_768)).optional(),
    dependsOn: z.array(environmentName).max(200).optional(),
    tasks: z
      .array(task)
      .max(5_000)
      .refine(
        (tasks) => new Set(tasks.map(({ name }) => name)).size === tasks.length,
        "has two tasks of one name",
      ),
  })
  .openapi("DeployedEnvironment") as ZodType<DeployedEnvironment>;

export const deployBody: ZodType<DeployBody> = z
  .strictObject({
    project: placeName.optional(),
    domain: placeName.optional(),
    version: version.optional(),
    source: json.optional(),
    dryRun: z.boolean().optional(),
    activate: z.boolean().optional(),
    environments: z.array(environment).min(1).max(200),
  })
  .openapi("Deploy") as ZodType<DeployBody>;

export const deployReply: ZodType<DeployReply> = z
  .object({
    project: z.string(),
    domain: z.string(),
    deployments: z.array(
      z.object({
        id: z.string(),
        environment: z.string(),
        version: z.string(),
        bundle: z.string(),
        isNew: z.boolean(),
        previous: z.string().nullable(),
      }),
    ),
  })
  .openapi("Deployed");

const summary = z.object({
  id: z.string(),
  project: z.string(),
  domain: z.string(),
  environment: z.string().nullable(),
  version: z.string(),
  bundle: z.string(),
  createdMs: z.int(),
  activatedMs: z.int().nullable(),
});

export const deploymentSummary: ZodType<DeploymentSummary> = summary.openapi("DeploymentSummary");
export const deploymentDetail: ZodType<DeploymentDetail> = summary
  .extend({
    description: z.string().nullable(),
    env: z.record(z.string(), z.string()),
    dependsOn: z.record(z.string(), z.string()),
    source: json,
    tasks: z.array(task),
  })
  .openapi("Deployment") as ZodType as ZodType<DeploymentDetail>;

const taskView = z.object({
  name: z.string(),
  description: z.string().nullable(),
  project: z.string(),
  domain: z.string(),
  deployment: z.string(),
  version: z.string(),
  deployedMs: z.int(),
});

export const taskSummary: ZodType<TaskSummary> = taskView.openapi("TaskSummary");
export const taskDetail: ZodType<TaskDetail> = taskView
  .extend({ inputSchema: json, outputSchema: json, options: json, codeHash: z.string().nullable() })
  .openapi("Task") as ZodType as ZodType<TaskDetail>;

export const cacheEntry: ZodType<CacheEntryView> = z
  .object({
    key: z.string(),
    project: z.string(),
    domain: z.string(),
    task: z.string(),
    run: z.string(),
    action: z.string(),
    createdMs: z.int(),
  })
  .openapi("CacheEntry");
