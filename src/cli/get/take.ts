import type { ListPage } from "../../client/api.ts";

const PAGE = 100;

/** Follows pages until there are `limit` items. */
export async function take<Item>(
  limit: number,
  page: (at: { limit: number; cursor?: string }) => Promise<ListPage<Item>>,
): Promise<Item[]> {
  const items: Item[] = [];
  for (let cursor: string | null | undefined; cursor !== null && items.length < limit; ) {
    const at = { limit: Math.min(PAGE, limit - items.length) };
    const { data, nextCursor }: ListPage<Item> = await page(cursor === undefined ? at : { ...at, cursor });
    items.push(...data);
    cursor = nextCursor;
  }
  return items;
}
