import { formatDuration } from "../../core/duration.ts";
import { isSuccess, isTerminal, type Phase } from "../../core/phase.ts";
import type { Terminal } from "../terminal.ts";
import type { ActionNode, RunTree, Siblings } from "./tree.ts";
import { clip, countsOf, inGroup, nameOf, phaseWord, reuseOf, shortName, sign, waitOf } from "./words.ts";

/** More calls of the same task in the same group than this are shown as counts. */
export const COLLAPSE_ABOVE = 8;
const NAME_COLUMNS = 24;

export interface DrawOptions {
  readonly run: string;
  readonly url: string | null;
  readonly nowMs: number;
}

/** The tree as it is now, in at most as many lines as the terminal has rows. */
export function drawTree(terminal: Terminal, tree: RunTree, options: DrawOptions): string[] {
  const rows: string[] = [];
  if (tree.root !== null)
    drawCalls(terminal, tree.root, { rows, indent: "", nowMs: options.nowMs, run: options.run });
  const room = Math.max(3, terminal.rows - 3);
  const shown = rows.length <= room ? rows : [...rows.slice(0, room - 1), `… ${rows.length - room + 1} more`];
  return [header(terminal, tree, options), ...shown].map((line) => clip(line, terminal.columns));
}

function header(terminal: Terminal, tree: RunTree, { run, url, nowMs }: DrawOptions): string {
  const task = tree.root === null ? "" : shortName(tree.root.task);
  const elapsed = tree.startedMs === null ? "" : formatDuration((tree.endedMs ?? nowMs) - tree.startedMs);
  const phase = tree.isOver ? tree.phase : (tree.root?.phase ?? tree.phase);
  const shown = isWaitingOnly(phase) ? "running" : phase;
  const parts = [
    terminal.paint("bold", run),
    task,
    `${sign(terminal, shown)} ${phaseWord(shown)}`,
    elapsed,
    url ?? "",
  ];
  return parts.filter((part) => part !== "").join("  ");
}

/** A parked root waits for what is shown below it. */
function isWaitingOnly(phase: Phase): boolean {
  return phase === "suspended";
}

interface Canvas {
  readonly rows: string[];
  readonly indent: string;
  readonly nowMs: number;
  readonly run: string;
}

function drawCalls(terminal: Terminal, node: ActionNode, canvas: Canvas): void {
  const items = [...node.calls.values()].flatMap((siblings): (Siblings | ActionNode)[] =>
    siblings.nodes.length > COLLAPSE_ABOVE ? [siblings] : siblings.nodes,
  );
  for (const [index, item] of items.entries()) {
    const isLast = index === items.length - 1;
    const line = "nodes" in item ? groupLine(terminal, item) : actionLine(terminal, item, canvas);
    canvas.rows.push(`${canvas.indent}${isLast ? "└─" : "├─"} ${line}`);
    const indent = `${canvas.indent}${isLast ? "   " : "│  "}`;
    if ("nodes" in item) continue;
    // What succeeded is one line, whatever it called.
    if (!(isTerminal(item.phase) && isSuccess(item.phase))) drawCalls(terminal, item, { ...canvas, indent });
  }
}

function groupLine(terminal: Terminal, siblings: Siblings): string {
  const name = inGroup(shortName(siblings.task), siblings.name);
  return `${padded(`${name} ×${siblings.nodes.length}`)} ${countsOf(terminal, siblings)}`;
}

function actionLine(terminal: Terminal, node: ActionNode, { nowMs, run }: Canvas): string {
  const startedMs = node.startedMs ?? (node.kind === "task" ? null : node.createdMs);
  const time = startedMs === null ? "" : formatDuration((node.endedMs ?? nowMs) - startedMs);
  const retry = node.attempt > 1 ? `attempt ${node.attempt}` : "";
  const told = node.error?.message.split("\n")[0] ?? waitOf(node, run);
  const parts = [padded(nameOf(node)), time, reuseOf(node), retry, told].filter((part) => part !== "");
  return `${sign(terminal, node.phase)} ${parts.join("  ")}`;
}

function padded(name: string): string {
  return name.padEnd(NAME_COLUMNS);
}
