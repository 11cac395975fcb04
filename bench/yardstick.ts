import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/**
 * Records `n` results with one insert and one update each, `perCommit` of them to a synced commit: no engine, no
 * runner, no fairness, no leases. Run on the same disk, in the same process, right after the measurement.
 */
export async function bareLoop(n: number, perCommit: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), "godwit-yardstick-"));
  const database = new DatabaseSync(join(folder, "bare.db"));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE results (id INTEGER PRIMARY KEY, input TEXT NOT NULL, result TEXT)");
  const insert = database.prepare("INSERT INTO results (id, input) VALUES (?, ?)");
  const update = database.prepare("UPDATE results SET result = ? WHERE id = ?");
  const startedMs = performance.now();
  for (let at = 0; at < n; at += perCommit) {
    database.exec("BEGIN IMMEDIATE");
    for (let i = at; i < Math.min(n, at + perCommit); i++) {
      insert.run(i, JSON.stringify(i));
      update.run(JSON.stringify(await Promise.resolve(i)), i);
    }
    database.exec("COMMIT");
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  database.close();
  await rm(folder, { recursive: true, force: true });
  return seconds;
}
