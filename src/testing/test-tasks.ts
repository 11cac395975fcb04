import { hash } from "node:crypto";
import { GodwitError } from "../core/errors.ts";
import type { TaskSource } from "../runner/tasks.ts";
import type { TaskDefinition } from "../sdk/definition.ts";
import { registry } from "../sdk/registry.ts";
import type { AnyTask } from "../sdk/task.ts";
import { insertDeployment, wholeDeployment } from "../store/deployments.ts";
import type { Sql } from "../store/driver.ts";

/** A task, or its full name. */
export type TaskName = string | { readonly fullName: string };

type Implementation = (input: never) => unknown;

/** The tasks of a harness: counted, and replaced or made to fail where a test wants that. */
export class TestTasks implements TaskSource {
  readonly #given: ReadonlyMap<string, TaskDefinition> | null;
  readonly #mocks = new Map<string, Implementation>();
  readonly #failures = new Map<string, unknown[]>();
  readonly #executions = new Map<string, number>();
  readonly #wrapped = new WeakMap<TaskDefinition, TaskDefinition>();

  /** @param tasks all there are; undefined: whatever was defined with the SDK in this process */
  constructor(tasks: readonly AnyTask[] | undefined) {
    this.#given = tasks === undefined ? null : new Map(tasks.map((task) => [task.fullName, task.definition]));
  }

  async find(_bundle: string, name: string): Promise<TaskDefinition> {
    const definition = this.#given === null ? registry.get(name) : this.#given.get(name);
    if (definition === undefined) {
      throw new GodwitError("TASK_NOT_FOUND", `the harness was not given a task \`${name}\``);
    }
    const known = this.#wrapped.get(definition);
    if (known !== undefined) return known;
    const fn = (input: never): unknown => this.#execute(definition, input);
    const wrapped = { ...definition, fn };
    this.#wrapped.set(definition, wrapped);
    return wrapped;
  }

  #execute(definition: TaskDefinition, input: never): unknown {
    const { name } = definition;
    this.#executions.set(name, this.executions(name) + 1);
    const failures = this.#failures.get(name) ?? [];
    if (failures.length > 0) throw failures.shift();
    return (this.#mocks.get(name) ?? definition.fn)(input);
  }

  /** How often the function of a task was entered: by first attempts, retries and replays alike. */
  executions(task: TaskName): number {
    return this.#executions.get(nameOf(task)) ?? 0;
  }

  /** Replaces a task's function from now on; gives what undoes it. */
  mock(task: TaskName, fn: Implementation): () => void {
    const name = nameOf(task);
    const previous = this.#mocks.get(name);
    this.#mocks.set(name, fn);
    return () => {
      if (previous === undefined) this.#mocks.delete(name);
      else this.#mocks.set(name, previous);
    };
  }

  /** Makes the next execution of a task throw. Called again, the one after it too. */
  failOnce(task: TaskName, error: unknown): void {
    const name = nameOf(task);
    const failures = this.#failures.get(name);
    if (failures === undefined) this.#failures.set(name, [error]);
    else failures.push(error);
  }

  /**
   * Deploys the tasks as they are now; gives the deployment's id, which changes with their code. The code of a task
   * is what its function says: a bundle would also see what the function reaches.
   */
  async deploy(
    sql: Sql,
    at: { readonly project: string; readonly domain: string; readonly nowMs: number },
  ): Promise<string> {
    const definitions = [...(this.#given?.values() ?? registry.list())];
    const code = definitions.map(({ name, fn, options }) => ({
      name,
      options: JSON.stringify(options),
      code_hash: sha256(String(this.#mocks.get(name) ?? fn)),
    }));
    const id = sha256(JSON.stringify([at.project, at.domain, code]));
    const { project, domain, nowMs } = at;
    const rows = code.map((task) => ({
      ...task,
      deployment: id,
      description: null,
      input_schema: null,
      output_schema: null,
    }));
    await insertDeployment(sql, wholeDeployment({ id, project, domain, nowMs }), rows);
    return id;
  }
}

export function nameOf(task: TaskName): string {
  return typeof task === "string" ? task : task.fullName;
}

function sha256(text: string): string {
  return hash("sha256", text);
}
