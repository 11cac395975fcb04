import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Keeps the data of a folder out of version control. The configuration of the project may lie there, too, and is shared. */
export async function ignoreData(folder: string): Promise<void> {
  try {
    await writeFile(join(folder, ".gitignore"), "*\n!config.yaml\n", { flag: "wx" });
  } catch (error) {
    // Whoever wrote one meant it.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
