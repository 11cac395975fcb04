import type { ActionKind } from "../../core/call.ts";
import type { EventError, RunEvent } from "../../core/event.ts";
import { isTerminal, type Phase } from "../../core/phase.ts";

/** An action as a follower knows it. */
export interface ActionNode {
  readonly id: string;
  readonly task: string;
  readonly kind: ActionKind;
  readonly parent: ActionNode | null;
  readonly group: Siblings | null;
  /** Calls by task and group, in the order in which the first of each was made. */
  readonly calls: Map<string, Siblings>;
  phase: Phase;
  attempt: number;
  createdMs: number;
  /** When it began to run for the first time. */
  startedMs: number | null;
  endedMs: number | null;
  error: EventError | null;
}

/** Calls of one parent that are the same task in the same group. */
export interface Siblings {
  readonly task: string;
  /** Group path, or null. */
  readonly name: string | null;
  readonly nodes: ActionNode[];
  readonly counts: Map<Phase, number>;
}

/** What is known of a run from its events. */
export class RunTree {
  root: ActionNode | null = null;
  phase: Phase = "queued";
  error: EventError | null = null;
  startedMs: number | null = null;
  endedMs: number | null = null;
  /** Attempts after the first. */
  retries = 0;
  cached = 0;
  recovered = 0;
  readonly #nodes = new Map<string, ActionNode>();

  get actions(): number {
    return this.#nodes.size;
  }

  find(id: string): ActionNode | undefined {
    return this.#nodes.get(id);
  }

  get isOver(): boolean {
    return isTerminal(this.phase);
  }

  apply(event: RunEvent): ActionNode | null {
    this.startedMs ??= event.atMs;
    if (event.type === "run") {
      this.phase = event.phase;
      this.error = event.error ?? null;
      if (isTerminal(event.phase)) this.endedMs = event.atMs;
      return null;
    }
    const node = this.#nodes.get(event.action) ?? this.#add(event);
    this.#move(node, event);
    return node;
  }

  #add(event: Extract<RunEvent, { type: "action" }>): ActionNode {
    const parent = event.parent === null ? null : (this.#nodes.get(event.parent) ?? null);
    const group = parent === null ? null : siblingsOf(parent, event.task, event.group ?? null);
    const node: ActionNode = {
      id: event.action,
      task: event.task,
      kind: event.kind,
      parent,
      group,
      calls: new Map(),
      phase: event.phase,
      attempt: event.attempt,
      createdMs: event.atMs,
      startedMs: null,
      endedMs: null,
      error: null,
    };
    group?.nodes.push(node);
    group?.counts.set(event.phase, (group.counts.get(event.phase) ?? 0) + 1);
    this.#nodes.set(node.id, node);
    if (event.parent === null) this.root = node;
    return node;
  }

  #move(node: ActionNode, { phase, attempt, atMs, error }: RunEvent & { attempt: number }): void {
    const counts = node.group?.counts;
    counts?.set(node.phase, (counts.get(node.phase) ?? 1) - 1);
    counts?.set(phase, (counts.get(phase) ?? 0) + 1);
    if (attempt > node.attempt && attempt > 1) this.retries += 1;
    if (phase === "succeeded" && attempt === 0 && node.kind === "task") this.cached += 1;
    if (phase === "recovered") this.recovered += 1;
    node.phase = phase;
    node.attempt = attempt;
    node.error = error ?? null;
    if (phase === "running") node.startedMs ??= atMs;
    if (isTerminal(phase)) node.endedMs = atMs;
  }
}

function siblingsOf(parent: ActionNode, task: string, name: string | null): Siblings {
  const key = `${task}\n${name ?? ""}`;
  const known = parent.calls.get(key);
  if (known !== undefined) return known;
  const siblings: Siblings = { task, name, nodes: [], counts: new Map() };
  parent.calls.set(key, siblings);
  return siblings;
}
