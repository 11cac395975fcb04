import { expect, test } from "vitest";
import {
  ACTIVE_PHASES,
  canMove,
  isSuccess,
  isTerminal,
  LEGAL_TRANSITIONS,
  type Phase,
  TERMINAL_PHASES,
} from "../../src/core/phase.ts";

test("a terminal phase is never left", () => {
  for (const phase of TERMINAL_PHASES) {
    expect(LEGAL_TRANSITIONS[phase]).toEqual([]);
    expect(isTerminal(phase)).toBe(true);
  }
});

test("from every active phase an action can be aborted, fail, run out of time, and reach success", () => {
  for (const phase of ACTIVE_PHASES) {
    expect(isTerminal(phase)).toBe(false);
    for (const end of ["aborted", "failed", "timed_out"] as const)
      expect(canMove(phase, end), `${phase} to ${end}`).toBe(true);
    expect(reachable(phase), phase).toContain("succeeded");
  }
});

test("nothing is parked that was not running, and only a running or paused action succeeds by itself", () => {
  for (const phase of ACTIVE_PHASES) expect(canMove(phase, "suspended")).toBe(phase === "running");
  expect(canMove("queued", "succeeded")).toBe(false);
  expect(canMove("suspended", "succeeded")).toBe(false);
});

test("a recovered action counts as a success", () => {
  expect(TERMINAL_PHASES.filter((phase) => isSuccess(phase))).toEqual(["succeeded", "recovered"]);
});

function reachable(from: Phase): Set<Phase> {
  const found = new Set<Phase>();
  const walk = (phase: Phase): void => {
    if (found.has(phase)) return;
    found.add(phase);
    for (const next of LEGAL_TRANSITIONS[phase]) walk(next);
  };
  walk(from);
  return found;
}
