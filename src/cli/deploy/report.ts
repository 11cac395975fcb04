import type { DeployedView, DeploymentDetail, DeployReply } from "../../client/api.ts";
import type { GodwitClient } from "../../client/client.ts";
import type { DeployedEnvironment } from "../../core/deployment.ts";
import { GodwitError } from "../../core/errors.ts";
import type { Cli } from "../cli.ts";
import { formatTable } from "../table.ts";
import type { Style } from "../terminal.ts";
import {
  compareTasks,
  type EnvironmentState,
  hasOtherSettings,
  stateOf,
  type TaskChange,
} from "./changes.ts";
import type { PreparedRelease } from "./release.ts";

/** What became, or would become, of one environment. */
export interface EnvironmentReport {
  readonly environment: string;
  readonly state: EnvironmentState;
  readonly deployment: string;
  readonly version: string;
  readonly bundle: string;
  /** The deployment that was the newest before. */
  readonly previous: string | null;
  readonly tasks: readonly string[];
  readonly dependsOn: readonly string[];
  /** Only of a dry run; null when the key may not read what is deployed. */
  readonly changes?: readonly TaskChange[] | null;
  /** Only of a dry run: description, variables or dependencies of the environment are others. */
  readonly hasOtherSettings?: boolean | null;
}

export function reportOf(
  { environments }: PreparedRelease,
  { deployments }: DeployReply,
): EnvironmentReport[] {
  return deployments.map((view) => describe(view, deployedOf(environments, view)));
}

/** The same, with what is different in each task. */
export async function reportChanges(
  client: GodwitClient,
  { environments }: PreparedRelease,
  { deployments }: DeployReply,
): Promise<EnvironmentReport[]> {
  return Promise.all(
    deployments.map(async (view) => {
      const deployed = deployedOf(environments, view);
      const report = describe(view, deployed);
      if (report.state === "unchanged") return { ...report, changes: [], hasOtherSettings: false };
      const before = view.previous === null ? null : await readBefore(client, view.previous);
      if (before === undefined) return { ...report, changes: null, hasOtherSettings: null };
      return {
        ...report,
        changes: compareTasks(before, deployed),
        hasOtherSettings: before !== null && hasOtherSettings(before, deployed),
      };
    }),
  );
}

/** Undefined: the key may deploy, but not read. */
async function readBefore(client: GodwitClient, id: string): Promise<DeploymentDetail | undefined> {
  try {
    return await client.getDeployment(id);
  } catch (error) {
    if (error instanceof GodwitError && error.code === "FORBIDDEN") return undefined;
    throw error;
  }
}

function deployedOf(
  environments: PreparedRelease["environments"],
  { environment }: DeployedView,
): DeployedEnvironment {
  const found = environments.find(({ deployed }) => deployed.name === environment);
  if (found !== undefined) return found.deployed;
  throw new GodwitError(
    "INTERNAL",
    `the coordinator answered about "${environment}", which was not deployed`,
  );
}

function describe(view: DeployedView, { tasks, dependsOn = [] }: DeployedEnvironment): EnvironmentReport {
  const { environment, id, version, bundle, previous } = view;
  return {
    ...{ environment, state: stateOf(view), deployment: id, version, bundle, previous, dependsOn },
    tasks: tasks.map(({ name }) => name),
  };
}

/** Prints what became of a release, or what would become of it. */
export function printRelease(
  { terminal, output }: Cli,
  { project, domain }: DeployReply,
  of: {
    readonly environments: readonly EnvironmentReport[];
    readonly endpoint: string;
    readonly isDryRun: boolean;
  },
): void {
  const { environments, endpoint, isDryRun } = of;
  if (output === "json") {
    return terminal.data(JSON.stringify({ project, domain, isDryRun, environments }));
  }
  if (output === "id") return terminal.data(environments.map(({ deployment }) => deployment).join("\n"));
  const rows = environments.map(({ environment, state, version, tasks }) => [
    environment,
    state,
    version,
    String(tasks.length),
  ]);
  const [header = "", ...lines] = formatTable([["ENVIRONMENT", "STATE", "VERSION", "TASKS"], ...rows]).split(
    "\n",
  );
  terminal.data(header);
  environments.forEach((report, at) => {
    terminal.data(
      (lines[at] ?? "").replace(report.state, terminal.paint(COLORS[report.state], report.state)),
    );
    for (const line of changeLines(report)) terminal.data(`  ${line}`);
  });
  terminal.note(summary(environments, { place: `${project}/${domain} at ${endpoint}`, isDryRun }));
}

const COLORS: Readonly<Record<EnvironmentState, Style>> = {
  new: "green",
  changed: "yellow",
  restored: "cyan",
  unchanged: "dim",
};

function changeLines({ state, changes, hasOtherSettings: isOther }: EnvironmentReport): string[] {
  if (changes === undefined || state === "unchanged") return [];
  if (changes === null)
    return ["what is different cannot be told: that takes a key with the scope runs:read"];
  const lines = changes.map(({ task, change, parts }) =>
    change === "changed" ? `~ ${task}: ${parts.join(", ")}` : `${change === "added" ? "+" : "-"} ${task}`,
  );
  if (isOther === true) lines.unshift("~ settings of the environment");
  if (lines.length > 0) return lines;
  return ["code outside its tasks, or an environment that it depends on"];
}

function summary(
  environments: readonly EnvironmentReport[],
  { place, isDryRun }: { readonly place: string; readonly isDryRun: boolean },
): string {
  const count = environments.filter(({ state }) => state !== "unchanged").length;
  if (count === 0) return `nothing to do: all of it is what was deployed last in ${place}`;
  const what = `${count} ${count === 1 ? "environment" : "environments"}`;
  return isDryRun
    ? `a dry run: nothing was uploaded or deployed; ${what} would be in ${place}`
    : `deployed ${what} to ${place}`;
}
