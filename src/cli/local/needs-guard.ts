import { loadConfig, settingOf } from "../../config/load.ts";
import { findVerbIndex, peekFlags } from "../common-flags.ts";
import { VERBS } from "../verbs.ts";

/**
 * Whether a command line executes tasks of a user's in a process of this machine: such a process may run out of
 * memory or hang, and somebody has to tell. A debugger wants the one process it was started with.
 */
export async function needsGuard(args: readonly string[]): Promise<boolean> {
  const name = args[findVerbIndex(args)];
  if (VERBS.find((verb) => verb.name === name)?.isExecuting !== true) return false;
  if (args.includes("--help") || args.includes("-h")) return false;
  if (process.env["GODWIT_NO_GUARD"] || isDebugged()) return false;
  return isLocal(args);
}

async function isLocal(args: readonly string[]): Promise<boolean> {
  try {
    return settingOf(await loadConfig(peekFlags(args)), "endpoint") === undefined;
  } catch {
    // The command itself reads the configuration again, and tells what is wrong with it.
    return false;
  }
}

function isDebugged(): boolean {
  const flags = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(/\s+/)];
  return flags.some((flag) => flag.startsWith("--inspect"));
}
