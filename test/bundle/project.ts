import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A project of a user's in a folder of its own. */
export class Project {
  readonly path: string;

  constructor(files: Readonly<Record<string, string>>, path?: string) {
    this.path = path ?? realpathSync(mkdtempSync(join(tmpdir(), "godwit-project-")));
    this.write({ "package.json": '{ "type": "module" }', ...files });
  }

  write(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      writeFileSync(join(this.path, name), text);
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** The same files somewhere else, deeper in the tree. */
  copy(): Project {
    const path = join(realpathSync(mkdtempSync(join(tmpdir(), "godwit-copy-"))), "a/b");
    mkdirSync(path, { recursive: true });
    cpSync(this.path, path, { recursive: true });
    return new Project({}, path);
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
