import type { Migration } from "../migrate.ts";

/** Lineage: which action took or gave which file or folder, and who had made it. Written once, read by people. */
export const migration0002: Migration = {
  version: 2,
  name: "edges",
  statements: (d) => [
    `CREATE TABLE edges (
      run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL, direction TEXT${d.binary} NOT NULL,
      nth BIGINT NOT NULL, kind TEXT NOT NULL, uri TEXT NOT NULL, sha256 TEXT${d.binary}, size_bytes BIGINT,
      name TEXT, producer_run TEXT${d.binary}, producer_action TEXT${d.binary}, at_ms BIGINT NOT NULL,
      PRIMARY KEY (run_id, action_id, direction, nth)
    )${d.clustered}`,
    "CREATE INDEX edges_by_producer ON edges (producer_run, producer_action)",
  ],
};
