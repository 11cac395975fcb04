import { formatDuration } from "../../core/duration.ts";
import type { Phase } from "../../core/phase.ts";
import type { Style, Terminal } from "../terminal.ts";
import type { ActionNode, RunTree, Siblings } from "./tree.ts";

interface Look {
  readonly sign: string;
  readonly style: Style;
}

/** Every phase has a sign of its own: colour alone tells nothing. */
const LOOKS: Readonly<Record<Phase, Look>> = {
  queued: { sign: "○", style: "dim" },
  waiting: { sign: "◌", style: "dim" },
  initializing: { sign: "◍", style: "cyan" },
  running: { sign: "●", style: "cyan" },
  suspended: { sign: "◑", style: "dim" },
  paused: { sign: "?", style: "yellow" },
  succeeded: { sign: "✓", style: "green" },
  recovered: { sign: "↺", style: "green" },
  failed: { sign: "✗", style: "red" },
  aborted: { sign: "⊘", style: "yellow" },
  timed_out: { sign: "⧖", style: "red" },
};

const ORDER: readonly Phase[] = [
  "succeeded",
  "recovered",
  "failed",
  "timed_out",
  "aborted",
  "paused",
  "running",
  "suspended",
  "initializing",
  "waiting",
  "queued",
];

export function sign(terminal: Terminal, phase: Phase): string {
  const { sign: text, style } = LOOKS[phase];
  return terminal.paint(style, text);
}

export function phaseWord(phase: Phase): string {
  return phase.replace("_", " ");
}

/** `env.task` → task: all tasks of a tree are mostly of one environment. */
export function shortName(task: string): string {
  return task.slice(task.lastIndexOf(".") + 1);
}

export function nameOf(node: ActionNode): string {
  const name = node.kind === "task" ? shortName(node.task) : node.task;
  return inGroup(name, node.group?.name ?? null);
}

/** A name with its group; the group that `map` makes by itself only repeats the name. */
export function inGroup(name: string, group: string | null): string {
  return group === null || group === `${name}_map` ? name : `${group}/${name}`;
}

/** `step ×1000  812 ✓  3 ✗  24 ●  161 ○` */
export function countsOf(terminal: Terminal, siblings: Siblings): string {
  const parts = ORDER.flatMap((phase) => {
    const count = siblings.counts.get(phase) ?? 0;
    return count === 0 ? [] : [`${count} ${sign(terminal, phase)}`];
  });
  return parts.join("  ");
}

/** What an action waits for, and how to end the wait. */
export function waitOf(node: ActionNode, run: string): string {
  return node.phase === "paused" ? `waits for an answer: \`godwit signal ${run} ${node.task} <value>\`` : "";
}

/** How an action came by its result without being executed. */
export function reuseOf(node: ActionNode): string {
  if (node.phase === "recovered") return "recovered";
  return node.phase === "succeeded" && node.attempt === 0 && node.kind === "task" ? "cached" : "";
}

/** `✓ succeeded in 48s · 1003 actions · 3 retried` */
export function summary(terminal: Terminal, tree: RunTree): string {
  const { phase, startedMs, endedMs, actions, retries, cached, recovered } = tree;
  const { sign: mark, style } = LOOKS[phase];
  const time = startedMs === null || endedMs === null ? "" : ` in ${formatDuration(endedMs - startedMs)}`;
  const parts = [
    terminal.paint(style, `${mark} ${phaseWord(phase)}`) + time,
    `${actions} ${actions === 1 ? "action" : "actions"}`,
    retries > 0 ? `${retries} retried` : "",
    cached > 0 ? `${cached} cached` : "",
    recovered > 0 ? `${recovered} recovered` : "",
  ];
  return parts.filter((part) => part !== "").join(" · ");
}

/** Cuts a line with colours to what the terminal shows in one row. */
export function clip(line: string, columns: number): string {
  let width = 0;
  let text = "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
  for (const part of line.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith("\u001b[")) text += part;
    else {
      const left = Math.max(0, columns - 1 - width);
      const shown = [...part].slice(0, left).join("");
      width += [...part].length;
      text += shown;
    }
  }
  return width >= columns ? `${text}…` : text;
}
