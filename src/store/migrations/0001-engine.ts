import type { Migration } from "../migrate.ts";

/**
 * The tables of the engine. `queue`, `leases` and `timers` are small and hot; `actions` is large and written
 * twice per action. Text ids are compared byte by byte so that paging is the same on every database.
 */
export const migration0001: Migration = {
  version: 1,
  name: "engine",
  statements: (d) => [
    `CREATE TABLE runs (
      id TEXT${d.binary} PRIMARY KEY,
      project TEXT NOT NULL, domain TEXT NOT NULL,
      task TEXT NOT NULL, deployment TEXT NOT NULL, pool TEXT NOT NULL,
      phase TEXT NOT NULL, created_ms BIGINT NOT NULL, started_ms BIGINT, ended_ms BIGINT,
      created_by TEXT, labels TEXT NOT NULL, context TEXT NOT NULL,
      seed TEXT NOT NULL, epoch_ms BIGINT NOT NULL, sdk_version BIGINT NOT NULL,
      suspend_mode TEXT NOT NULL, strict BIGINT NOT NULL, cache_mode TEXT NOT NULL,
      priority BIGINT NOT NULL, weight DOUBLE PRECISION NOT NULL, action_limit BIGINT,
      origin_run TEXT, origin_kind TEXT, force TEXT, changed_only BIGINT NOT NULL,
      error TEXT, event_seq BIGINT NOT NULL, actions BIGINT NOT NULL, divergences BIGINT NOT NULL
    )${d.clustered}${d.updated}`,
    "CREATE INDEX runs_by_time ON runs (project, domain, created_ms, id)",
    "CREATE INDEX runs_by_origin ON runs (origin_run) WHERE origin_run IS NOT NULL",
    `CREATE TABLE actions (
      run_id TEXT${d.binary} NOT NULL, id TEXT${d.binary} NOT NULL,
      parent_id TEXT${d.binary}, kind TEXT NOT NULL, task TEXT NOT NULL, phase TEXT NOT NULL,
      input TEXT NOT NULL, result TEXT, options TEXT NOT NULL, pool TEXT NOT NULL,
      ordinal BIGINT NOT NULL, seq BIGINT, attempt BIGINT NOT NULL,
      user_failures BIGINT NOT NULL, system_failures BIGINT NOT NULL, isolated BIGINT NOT NULL,
      created_ms BIGINT NOT NULL, queued_ms BIGINT, started_ms BIGINT, ended_ms BIGINT,
      map_id BIGINT, tolerated BIGINT NOT NULL, group_name TEXT,
      children BIGINT NOT NULL, settled BIGINT NOT NULL, parked_seq BIGINT NOT NULL, system_streak BIGINT NOT NULL, progress BIGINT NOT NULL, waits TEXT,
      code_hash TEXT, cache_key TEXT, epoch_ms BIGINT NOT NULL, deployment TEXT,
      PRIMARY KEY (run_id, id)
    )${d.clustered}${d.updated}`,
    // The journal: what a parent is told, in the order in which it is told. Only settled calls are in it.
    "CREATE INDEX actions_journal ON actions (run_id, parent_id, seq) WHERE seq IS NOT NULL",
    // Ordinals start at 1, so the condition leaves nothing out. It keeps a planner without statistics from taking this
    // index to find one action by its key, which would read all actions of the run.
    "CREATE INDEX actions_by_ordinal ON actions (run_id, ordinal) WHERE ordinal > 0",
    `CREATE TABLE queue (
      pool TEXT${d.binary} NOT NULL, rank BIGINT NOT NULL, vtime DOUBLE PRECISION NOT NULL,
      run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL,
      PRIMARY KEY (pool, rank, vtime, run_id, action_id)
    )${d.clustered}${d.churning}`,
    "CREATE INDEX queue_by_run ON queue (run_id, vtime)",
    `CREATE TABLE leases (
      run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL,
      token TEXT NOT NULL, runner_id TEXT${d.binary} NOT NULL, grant_id TEXT NOT NULL,
      attempt BIGINT NOT NULL, granted_ms BIGINT NOT NULL, must_end_ms BIGINT,
      PRIMARY KEY (run_id, action_id)
    )${d.clustered}${d.churning}`,
    "CREATE INDEX leases_by_runner ON leases (runner_id, grant_id)",
    `CREATE TABLE runners (
      id TEXT${d.binary} PRIMARY KEY, backend TEXT NOT NULL, host TEXT NOT NULL, pid BIGINT NOT NULL,
      pools TEXT NOT NULL, slots BIGINT NOT NULL,
      registered_ms BIGINT NOT NULL, expires_ms BIGINT NOT NULL, report_n BIGINT NOT NULL, poll_n BIGINT NOT NULL
    )${d.clustered}${d.updated}`,
    `CREATE TABLE lost_leases (
      runner_id TEXT${d.binary} NOT NULL, token TEXT${d.binary} NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
      PRIMARY KEY (runner_id, token)
    )${d.clustered}`,
    `CREATE TABLE timers (
      due_ms BIGINT NOT NULL, run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL,
      kind TEXT NOT NULL, attempt BIGINT NOT NULL,
      PRIMARY KEY (due_ms, run_id, action_id, kind, attempt)
    )${d.clustered}${d.churning}`,
    "CREATE INDEX timers_by_action ON timers (run_id, action_id)",
    `CREATE TABLE attempts (
      run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL, attempt BIGINT NOT NULL,
      runner_id TEXT, started_ms BIGINT, ended_ms BIGINT NOT NULL, end_kind TEXT NOT NULL, error TEXT,
      PRIMARY KEY (run_id, action_id, attempt)
    )${d.clustered}`,
    `CREATE TABLE events (
      run_id TEXT${d.binary} NOT NULL, seq BIGINT NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY (run_id, seq)
    )`,
    `CREATE TABLE log_chunks (
      run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL, attempt BIGINT NOT NULL,
      seq BIGINT NOT NULL, body TEXT NOT NULL,
      PRIMARY KEY (run_id, seq)
    )`,
    "CREATE INDEX log_chunks_by_action ON log_chunks (run_id, action_id, attempt, seq)",
    `CREATE TABLE checkpoints (
      run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL,
      attempt BIGINT NOT NULL, seq BIGINT NOT NULL, value TEXT NOT NULL, earlier_seq BIGINT, earlier TEXT,
      PRIMARY KEY (run_id, action_id)
    )`,
    `CREATE TABLE divergences (
      run_id TEXT${d.binary} NOT NULL, nth BIGINT NOT NULL, action_id TEXT NOT NULL, kind TEXT NOT NULL,
      call_id TEXT NOT NULL, task TEXT NOT NULL, detail TEXT NOT NULL, at_ms BIGINT NOT NULL,
      PRIMARY KEY (run_id, nth)
    )`,
    `CREATE TABLE cache (
      key TEXT${d.binary} PRIMARY KEY, project TEXT NOT NULL, domain TEXT NOT NULL, task TEXT NOT NULL,
      run_id TEXT, action_id TEXT, result TEXT, created_ms BIGINT NOT NULL
    )`,
    `CREATE TABLE cache_fills (
      key TEXT${d.binary} PRIMARY KEY, run_id TEXT NOT NULL, action_id TEXT NOT NULL
    )${d.churning}`,
    // Actions that wait for somebody else: for a cache entry being computed, or for a concurrency key.
    `CREATE TABLE waiters (
      key TEXT${d.binary} NOT NULL, rank BIGINT NOT NULL, vtime DOUBLE PRECISION NOT NULL,
      run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL,
      PRIMARY KEY (key, rank, vtime, run_id, action_id)
    )${d.churning}`,
    `CREATE TABLE concurrency (
      key TEXT${d.binary} PRIMARY KEY, used BIGINT NOT NULL, max BIGINT NOT NULL
    )`,
    `CREATE TABLE concurrency_holders (
      run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL, key TEXT${d.binary} NOT NULL,
      PRIMARY KEY (run_id, action_id, key)
    )`,
    `CREATE TABLE conditions (
      run_id TEXT${d.binary} NOT NULL, action_id TEXT${d.binary} NOT NULL, name TEXT NOT NULL,
      prompt TEXT, schema_json TEXT, created_ms BIGINT NOT NULL, due_ms BIGINT,
      answered_ms BIGINT, answered_by TEXT, answer TEXT,
      PRIMARY KEY (run_id, action_id)
    )`,
    `CREATE TABLE deployments (
      id TEXT${d.binary} PRIMARY KEY, project TEXT NOT NULL, domain TEXT NOT NULL, environment TEXT,
      version TEXT NOT NULL, bundle TEXT NOT NULL, depends_on TEXT NOT NULL, settings TEXT NOT NULL,
      source TEXT NOT NULL, created_ms BIGINT NOT NULL, activated_ms BIGINT NOT NULL
    )`,
    "CREATE UNIQUE INDEX deployments_by_version ON deployments (project, domain, environment, version) WHERE environment IS NOT NULL",
    "CREATE INDEX deployments_by_time ON deployments (project, domain, activated_ms, id)",
    "CREATE INDEX deployments_newest ON deployments (project, domain, environment, activated_ms, id)",
    "CREATE INDEX deployments_by_bundle ON deployments (bundle)",
    `CREATE TABLE tasks (
      deployment TEXT${d.binary} NOT NULL, name TEXT${d.binary} NOT NULL, description TEXT,
      input_schema TEXT, output_schema TEXT, options TEXT NOT NULL, code_hash TEXT,
      PRIMARY KEY (deployment, name)
    )`,
    "CREATE INDEX tasks_by_name ON tasks (name)",
    `CREATE TABLE api_keys (
      id TEXT${d.binary} PRIMARY KEY, name TEXT NOT NULL, secret_hash TEXT NOT NULL, project TEXT, scopes TEXT NOT NULL,
      created_ms BIGINT NOT NULL, expires_ms BIGINT, last_used_ms BIGINT, revoked_ms BIGINT
    )`,
    `CREATE TABLE idempotency (
      scope TEXT${d.binary} NOT NULL, key TEXT${d.binary} NOT NULL, request_hash TEXT NOT NULL,
      created_ms BIGINT NOT NULL, status BIGINT, body TEXT,
      PRIMARY KEY (scope, key)
    )`,
    "CREATE INDEX idempotency_by_time ON idempotency (created_ms)",
  ],
};
