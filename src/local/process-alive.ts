import { readFileSync } from "node:fs";

/**
 * Whether a process of this machine runs. One that has died and whom nobody has reaped does not, though it can still be
 * signalled: in a container without an init process it may stay like that for ever.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
  return !isDefunct(pid);
}

/** Only Linux says so in a file; elsewhere every process has somebody who reaps it. */
function isDefunct(pid: number): boolean {
  try {
    // `pid (name) state …`; a name may hold anything, parentheses too.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
  } catch {
    return false;
  }
}
