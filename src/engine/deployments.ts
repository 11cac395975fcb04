import { type DeploymentRow, readDeployments } from "../store/deployments.ts";
import type { Sql } from "../store/driver.ts";

/** What the engine needs to know of a deployment. None of it ever changes. */
export interface DeployedCode {
  readonly id: string;
  readonly project: string;
  readonly domain: string;
  /** Null: a whole file; its tasks call each other within the deployment, whatever their environments. */
  readonly environment: string | null;
  readonly version: string;
  /** SHA-256 of the code. */
  readonly bundle: string;
  /** Deployments of other environments that its tasks call, by name. */
  readonly dependsOn: Readonly<Record<string, string>>;
}

const MOST_KNOWN = 5_000;

/** Deployments that were looked up before: they are immutable, and every call to another environment needs one. */
export class Deployments {
  readonly #known = new Map<string, DeployedCode>();

  /** Deployments by id; what is not deployed (tasks that were defined in a process) is left out. */
  async read(sql: Sql, ids: Iterable<string>): Promise<ReadonlyMap<string, DeployedCode>> {
    const wanted = [...new Set(ids)];
    const missing = wanted.filter((id) => !this.#known.has(id));
    if (this.#known.size + missing.length > MOST_KNOWN) this.#known.clear();
    const asked = this.#known.size === 0 ? wanted : missing;
    for (const row of await readDeployments(sql, asked)) this.#known.set(row.id, codeOf(row));
    const found = new Map<string, DeployedCode>();
    for (const id of wanted) {
      const code = this.#known.get(id);
      if (code !== undefined) found.set(id, code);
    }
    return found;
  }
}

function codeOf(row: DeploymentRow): DeployedCode {
  const { id, project, domain, environment, version, bundle } = row;
  const dependsOn = JSON.parse(row.depends_on) as Record<string, string>;
  return { id, project, domain, environment, version, bundle, dependsOn };
}
