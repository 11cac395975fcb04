import type { VerbEntry } from "./verb.ts";

/** Every command, in the order in which the help lists them. */
export const VERBS: readonly VerbEntry[] = [
  {
    name: "run",
    summary: "Run a task of a file",
    group: "Runs",
    isExecuting: true,
    load: () => import("./verbs/run.ts"),
  },
  {
    name: "rerun",
    summary: "Run an older run again, with the same or another input",
    group: "Runs",
    isExecuting: true,
    load: () => import("./verbs/rerun.ts"),
  },
  {
    name: "recover",
    summary: "Run an older run again, reusing what succeeded",
    group: "Runs",
    isExecuting: true,
    load: () => import("./verbs/recover.ts"),
  },
  {
    name: "fork",
    summary: "Run an older run again with new code, reusing what succeeded",
    group: "Runs",
    isExecuting: true,
    load: () => import("./verbs/fork.ts"),
  },
  {
    name: "resume",
    summary: "Go on with a run of this machine whose process is gone",
    group: "Runs",
    isExecuting: true,
    load: () => import("./verbs/resume.ts"),
  },
  {
    name: "abort",
    summary: "Stop a run, or one action of it",
    group: "Runs",
    load: () => import("./verbs/abort.ts"),
  },
  {
    name: "signal",
    summary: "Answer a condition that a run waits for",
    group: "Runs",
    load: () => import("./verbs/signal.ts"),
  },
  {
    name: "deploy",
    summary: "Deploy the environments of a file",
    group: "Deploy",
    load: () => import("./verbs/deploy.ts"),
  },
  {
    name: "get",
    summary: "Show runs, actions, tasks, deployments, conditions, the cache, API keys or the configuration",
    group: "Look",
    load: () => import("./verbs/get.ts"),
  },
  {
    name: "logs",
    summary: "Show what tasks have printed",
    group: "Look",
    load: () => import("./verbs/logs.ts"),
  },
  {
    name: "create",
    summary: "Make an API key or a configuration file",
    group: "Access",
    load: () => import("./verbs/create.ts"),
  },
  {
    name: "delete",
    summary: "Revoke an API key",
    group: "Access",
    load: () => import("./verbs/delete.ts"),
  },
  {
    name: "dev",
    summary: "Serve the API with runners on this machine",
    group: "Machine",
    load: () => import("./verbs/dev.ts"),
  },
  {
    name: "start",
    summary: "Start a coordinator or runners that others reach over the network",
    group: "Machine",
    load: () => import("./verbs/start.ts"),
  },
  {
    name: "doctor",
    summary: "Check what Godwit needs on this machine",
    group: "Machine",
    load: () => import("./verbs/doctor.ts"),
  },
  {
    name: "init",
    summary: "Make a project that runs",
    group: "Machine",
    load: () => import("./verbs/init.ts"),
  },
];
