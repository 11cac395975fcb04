import { VERBS } from "../verbs.ts";

/**
 * Whether a command line executes tasks of a user's in a process of this machine: such a process may run out of
 * memory or hang, and somebody has to tell. A debugger wants the one process it was started with.
 */
export function needsGuard(args: readonly string[]): boolean {
  const name = args.find((arg) => !arg.startsWith("-"));
  if (VERBS.find((verb) => verb.name === name)?.isExecuting !== true) return false;
  if (args.includes("--help") || args.includes("-h")) return false;
  if (args.some((arg) => /^--endpoint(=|$)/.test(arg)) || process.env["GODWIT_ENDPOINT"]) return false;
  return !process.env["GODWIT_NO_GUARD"] && !isDebugged();
}

function isDebugged(): boolean {
  const flags = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/)];
  return flags.some((flag) => flag.startsWith("--inspect"));
}
