import type { ActionKind, CallOptions } from "./call.ts";
import type { Outcome } from "./outcome.ts";
import type { Waits } from "./park.ts";
import type { RunnerReach } from "./runner-reach.ts";
import type { ValueRef } from "./value-ref.ts";

/**
 * The runner protocol, the same for every backend: a runner sends what changed and receives what changed.
 *
 * A runner has two channels, `report` (sends something, answered at once) and `poll` (may wait). On each channel
 * one exchange is under way at a time; a lost reply is repaired by sending the request again under the same number.
 * Everything in a request is idempotent: calls are unique by action id, outcomes are fenced by lease token, news is
 * asked for by sequence, and a number under which leases were granted gives the same leases again.
 */
export const PROTOCOL_VERSION = 1;

export type Channel = "report" | "poll";

/**
 * Names the lease of the action that a runner's request to the public API is made for: a task starts runs and looks
 * after them with the runner's own token.
 */
export const LEASE_HEADER = "Godwit-Lease";

/** Names an action everywhere: ids are unique only inside a run. */
export interface ActionRef {
  readonly run: string;
  readonly action: string;
}

export interface ExchangeRequest {
  readonly runner: RunnerHello;
  readonly channel: Channel;
  readonly number: number;
  /** Leases the runner can take now. */
  readonly want: number;
  /** Nothing is executed here: an action that must run alone may be given. */
  readonly isIdle?: boolean;
  /** Leases of no other run. The coordinator sets it for a token that is for one run. */
  readonly run?: string | undefined;
  /** Leases of no other deployments. The coordinator sets it for a token that is for some of them. */
  readonly reach?: RunnerReach | undefined;
  /** How long the coordinator may hold a `poll` that has nothing to say, in milliseconds. */
  readonly waitMs?: number;
  readonly calls?: readonly CallReport[];
  readonly outcomes?: readonly OutcomeReport[];
  readonly suspensions?: readonly SuspendReport[];
  readonly checkpoints?: readonly CheckpointReport[];
  readonly aborts?: readonly AbortReport[];
  readonly logs?: readonly LogReport[];
  /** Leases handed back undone (shutdown): queued again at no cost to any retry budget. */
  readonly releases?: readonly string[];
  /** Held parents and the last news sequence each of them has. */
  readonly held?: readonly HeldReport[];
  /** Parents this runner parked and whose journal it still has, up to `seq`. */
  readonly warm?: readonly WarmReport[];
  /** Lost leases the runner has heard of: they are not repeated. */
  readonly heardLost?: readonly string[];
  /** What the replies so far said; absent before the first one. */
  readonly registeredMs?: number;
  /** In a poll, while no report is under way: the number of the next report. */
  readonly reportNumber?: number;
  readonly divergences?: readonly DivergenceReport[];
}

/** Who the runner is; the first exchange registers it. */
export interface RunnerHello {
  readonly id: string;
  /** {@link PROTOCOL_VERSION} of the runner; a coordinator refuses one it does not speak. Default 1. */
  readonly protocol?: number;
  /** Pools it serves; `*` serves every pool that is not private to one runner. */
  readonly pools: readonly string[];
  /** Actions it executes at once. */
  readonly slots: number;
  readonly backend: string;
  /** Machine and process, so that a restarted supervisor can tell which of its runners died with it. */
  readonly host: string;
  readonly pid: number;
}

/** A new call of the parent that `lease` covers. Sent again by a replay, it changes nothing. */
export interface CallReport {
  readonly lease: string;
  readonly id: string;
  readonly kind: ActionKind;
  readonly task: string;
  /** Encoded input. */
  readonly input: string;
  /** Files and folders in the input. */
  readonly refs?: readonly ValueRef[];
  readonly options?: CallOptions;
  /** The runner started the child itself, under this new lease token. Refused when the action exists or is limited. */
  readonly claim?: string;
  /** With `claim`: what the child's `now` starts at, so that it is the same wherever the child is executed again. */
  readonly epochMs?: number;
  /** Issued while recorded results were still being replayed: it should exist already. */
  readonly replaying?: boolean;
}

/** The outcome of an attempt (`lease`) or of a trace inside the parent that `lease` covers (`trace` = its id). */
export interface OutcomeReport {
  readonly lease: string;
  readonly trace?: string;
  readonly outcome: Outcome;
  /** Files and folders in the value. */
  readonly refs?: readonly ValueRef[];
  readonly startedMs: number;
  readonly endedMs: number;
}

/** Asks to park a parent. Refused (with the news) when there is something the parent has not seen. */
export interface SuspendReport {
  readonly lease: string;
  /** Last news sequence the session received. */
  readonly seq: number;
  /** Distinct calls the session issued, to notice a replay that dropped one. */
  readonly issued: number;
  readonly waits: Waits;
  /** What a replay of this session costs, measured, in milliseconds. */
  readonly replayMs: number;
}

export interface CheckpointReport {
  readonly lease: string;
  /** Last result that user code had seen: an attempt that goes on from here need not make the calls before it again. */
  readonly seq: number;
  readonly value: string;
}

/** Aborts a child (or any action below it) on behalf of the parent that `lease` covers. */
export interface AbortReport {
  readonly lease: string;
  readonly action: string;
  readonly reason: string;
}

export interface LogReport {
  readonly lease: string;
  readonly lines: readonly LogLine[];
}

export interface LogLine {
  readonly atMs: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly stream: "stdout" | "stderr" | "log";
  readonly text: string;
}

export interface HeldReport {
  readonly lease: string;
  readonly seq: number;
}

export interface WarmReport extends ActionRef {
  readonly seq: number;
}

/** A replay that left the recorded path. */
export interface DivergenceReport {
  readonly lease: string;
  readonly kind: "missing_call" | "new_call" | "changed_order";
  readonly action: string;
  readonly task: string;
  readonly detail: string;
}

export interface ExchangeReply {
  /** False: the coordinator does not know the runner (any more); every lease it had is void. */
  readonly known: boolean;
  /**
   * When the runner became known. It says so with every request from then on: a runner that was declared lost is not
   * the one that a late copy of its first request made known again, and shares nothing with it.
   */
  readonly registeredMs?: number;
  /**
   * True when leases were granted under this number: the next exchange of the channel takes the next number.
   * Otherwise the number is used again, so an exchange that granted nothing costs the store no write.
   */
  readonly closed: boolean;
  /**
   * Leases were granted under the `reportNumber` of the poll, to a copy of an older report that came late. The next
   * report is answered with them.
   */
  readonly hasMissed?: boolean;
  readonly leases: readonly LeaseGrant[];
  readonly news: readonly ParentNews[];
  /** Leases of this runner that are void: abort, expiry, deadline. */
  readonly lost: readonly LostLease[];
  /** Answers that differ from the plain "taken". */
  readonly refused: readonly Refusal[];
}

/** The right to execute one attempt, and all it needs. */
export interface LeaseGrant extends ActionRef {
  readonly lease: string;
  readonly parent: string | null;
  readonly task: string;
  readonly input: string;
  readonly options: CallOptions;
  /** 1-based number of this attempt. */
  readonly attempt: number;
  readonly deployment: string;
  /** SHA-256 of the code of the deployment. */
  readonly bundle: string;
  /** The environment that the deployment is of; null: a whole file, whose environments call each other within it. */
  readonly environment: string | null;
  readonly project: string;
  readonly domain: string;
  /** Seed of `random` and `uuid`, and the start of `now`: the same in a recovered run. */
  readonly seed: string;
  readonly epochMs: number;
  readonly sdkVersion: number;
  /** Calls recorded so far: a replay issues that many before it does anything new. */
  readonly children: number;
  /** Last result the action had seen when it was parked; every call it made up to there is recorded. */
  readonly parkedSeq: number;
  /** Results recorded so far; pages beyond `journal` are fetched with `journal`. */
  readonly settled: number;
  /** First page of results after the warm sequence (or from the start). */
  readonly journal: readonly JournalEntry[];
  /** Sequence the journal page starts after. */
  readonly since: number;
  readonly checkpoint: string | null;
  /** Last result that user code had seen when it saved the checkpoint; 0 without one. */
  readonly checkpointSeq: number;
  /** When the attempt must be over (epoch ms), from its time limit and the action's deadline. */
  readonly mustEndMs: number | null;
  readonly suspendMode: SuspendMode;
  readonly strict: boolean;
  /** It was in flight when a runner died: execute it alone, so that a second death names it. */
  readonly isolated: boolean;
  /** Calls may not be started by the runner itself (recovery, per-run limits). */
  readonly claims: boolean;
}

/** `auto` follows the ski-rental rule; `always` and `never` are for tests and benchmarks. */
export type SuspendMode = "auto" | "always" | "never";

/** One settled call of a parent. `value` is null when the runner sent it itself in this very request. */
export interface JournalEntry {
  readonly seq: number;
  readonly id: string;
  readonly outcome: Outcome | null;
  readonly endedMs: number;
}

/** New results of a parent, and what happened to a claim or a call. */
export interface ParentNews {
  readonly lease: string;
  readonly entries: readonly JournalEntry[];
  /** More entries are waiting: ask again. */
  readonly more: boolean;
}

export interface LostLease {
  readonly lease: string;
  readonly reason: "aborted" | "expired" | "deadline" | "time_limit" | "settled";
  readonly detail: string;
}

export type Refusal =
  /** The lease is not (or no more) current: nothing was changed. */
  | { readonly kind: "stale"; readonly lease: string }
  /** The claimed child exists already or must wait in the queue: drop the local execution. */
  | { readonly kind: "claim"; readonly lease: string; readonly id: string }
  /** The parent has unseen news: it stays held. */
  | { readonly kind: "suspension"; readonly lease: string }
  /** A call issued during replay was new to the coordinator. */
  | { readonly kind: "new_call"; readonly lease: string; readonly id: string };

/** A page of a parent's journal. */
export interface JournalRequest {
  readonly lease: string;
  readonly since: number;
  readonly limit: number;
}

/** How a runner reaches the coordinator: directly, or over HTTP. Both verbs may be repeated safely. */
export interface Transport {
  exchange(request: ExchangeRequest, signal?: AbortSignal): Promise<ExchangeReply>;
  journal(request: JournalRequest, signal?: AbortSignal): Promise<readonly JournalEntry[]>;
}
