import { existsSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

/** Folder of a project that holds its configuration and, unless another is named, the data of this machine. */
export const PROJECT_FOLDER = ".godwit";
const FILE_NAME = "config.yaml";

/** What is asked of the machine. */
export interface Surroundings {
  readonly cwd: string;
  /** Home folder of the user. */
  readonly home: string;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where the file of a project lies in a folder. */
export function projectFileIn(folder: string): string {
  return join(folder, PROJECT_FOLDER, FILE_NAME);
}

/** Where the file of the user lies, whether it is there or not. */
export function userFileOf({ env, home, platform }: Surroundings): string {
  const appData = platform === "win32" ? env["APPDATA"] : undefined;
  const folder = env["XDG_CONFIG_HOME"] || appData || join(home, ".config");
  return join(folder, "godwit", FILE_NAME);
}

/**
 * The project's file: that of the nearest folder upwards that has one. Whoever may write to a folder above decides
 * where commands go, so the search ends at the root of the repository; outside of one it stays below the home
 * folder, and elsewhere in the current folder.
 */
export function findProjectFile({ cwd, home }: Surroundings): string | undefined {
  return searchedFolders(resolve(cwd), home).map(projectFileIn).find(isFile);
}

function searchedFolders(cwd: string, home: string): string[] {
  const upwards = ancestors(cwd);
  const root = upwards.findIndex((folder) => existsSync(join(folder, ".git")));
  if (root !== -1) return upwards.slice(0, root + 1);
  const below = upwards.filter((folder) => isInside(folder, home));
  return below.length > 0 ? below : [cwd];
}

function ancestors(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestors(parent)];
}

function isInside(folder: string, home: string): boolean {
  const path = relative(home, folder);
  return path !== "" && !path.startsWith("..") && resolve(home, path) === folder;
}

/** Whether there is such a file for this user: what may not even be looked at is nobody's configuration. */
export function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  } catch (error) {
    if (["EACCES", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
