/** One page of a list; `nextCursor` is null on the last one. */
export interface ListPage<Item> {
  readonly data: readonly Item[];
  readonly nextCursor: string | null;
}

/** What every list takes. */
export interface PageQuery {
  /** 1 to 100, default 50. */
  readonly limit?: number;
  /** `nextCursor` of the page before, with the same filters. */
  readonly cursor?: string;
}
