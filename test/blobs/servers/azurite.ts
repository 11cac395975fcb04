import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";

/** The account every Azurite has. */
export const AZURITE = {
  account: "devstoreaccount1",
  accountKey: "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
} as const;

export interface Azurite {
  readonly url: string;
  stop(): Promise<void>;
}

/** Azurite's blob service as a process of its own, in memory, on a free port. */
export async function startAzurite(): Promise<Azurite> {
  const main = createRequire(import.meta.url).resolve("azurite/dist/src/blob/main.js");
  const flags = ["--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"];
  const child = spawn(process.execPath, [main, "--blobPort", "0", "--blobHost", "127.0.0.1", ...flags], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const kill = (): boolean => child.kill("SIGKILL");
  process.once("exit", kill);
  const url = await listening(child);
  return {
    url,
    async stop() {
      process.off("exit", kill);
      const ended = new Promise((resolve) => child.once("close", resolve));
      if (child.exitCode === null && kill()) await ended;
    },
  };
}

/** A container name for a test; names take lower case and digits. */
export function containerName(text: string): string {
  return `c${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = "";
    const hear = (chunk: Buffer): void => {
      output += String(chunk);
      const port = /listens on (http:\/\/127\.0\.0\.1:\d+)/.exec(output)?.[1] ?? undefined;
      if (port !== undefined) resolve(port);
    };
    child.stdout?.on("data", hear);
    child.stderr?.on("data", hear);
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`Azurite ended with ${code}: ${output}`)));
  });
}
