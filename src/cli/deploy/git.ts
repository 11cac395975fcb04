import { spawn } from "node:child_process";

/** What a project's repository says of the code that is deployed. */
export interface GitState {
  readonly commit: string;
  /** Null: no branch is checked out. */
  readonly branch: string | null;
  /** Files of the project differ from the commit, or are not in it. */
  readonly isDirty: boolean;
}

/** A huge repository is not waited for. */
const LONGEST_MS = 2_000;

/** The state of the repository that a folder is in; null without git, without a repository, without a commit. */
export async function readGit(folder: string): Promise<GitState | null> {
  const args = ["--no-optional-locks", "status", "--porcelain=v2", "--branch", "--", "."];
  const text = await outputOf("git", args, folder);
  return text === null ? null : parseGit(text);
}

/** What `git status --porcelain=v2 --branch` says. */
export function parseGit(text: string): GitState | null {
  const lines = text.split("\n").filter((line) => line !== "");
  const header = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`# branch.${name} `))?.slice(`# branch.${name} `.length);
  const commit = header("oid");
  if (commit === undefined || !/^[0-9a-f]{40,64}$/.test(commit)) return null;
  const branch = header("head");
  return {
    commit,
    branch: branch === undefined || branch === "(detached)" ? null : branch,
    isDirty: lines.some((line) => !line.startsWith("# ")),
  };
}

/** What a program prints; null when it is not there, fails, or takes too long: the commit is good to know, no more. */
function outputOf(program: string, args: readonly string[], cwd: string): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      stdio: ["ignore", "pipe", "ignore"],
      timeout: LONGEST_MS,
      windowsHide: true,
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => {
      text += part;
    });
    child.once("error", () => resolve(null));
    child.once("close", (code) => resolve(code === 0 ? text : null));
  });
}
