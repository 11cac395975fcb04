/** What an API key allows. `runners` starts runners, which see what they execute; `admin` allows everything. */
export type KeyScope = "runs:read" | "runs:write" | "tasks:deploy" | "runners" | "admin";

/** What makes an API key. */
export interface KeyBody {
  /** For people. */
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  /** The only project it may touch. Default: all that the caller may. */
  readonly project?: string;
  /** Epoch milliseconds. Default: never. */
  readonly expiresMs?: number;
}

export interface KeyView {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  /** Null: all projects. */
  readonly project: string | null;
  readonly createdMs: number;
  readonly expiresMs: number | null;
  /** Exact to a minute. */
  readonly lastUsedMs: number | null;
  readonly revokedMs: number | null;
}

/** A key with its secret, which is shown once. */
export interface CreatedKey extends KeyView {
  readonly key: string;
}
