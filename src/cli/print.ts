import type { Cli } from "./cli.ts";
import { formatTable } from "./table.ts";

interface Place {
  readonly project: string;
  readonly domain: string;
}

/** How a list is printed: as it came, as a table, or its ids alone. */
export interface ListView<Item> {
  readonly header: readonly string[];
  row(item: Item): readonly string[];
  id(item: Item): string;
  /** Where an item belongs; a table tells it when the items belong to several places. */
  place?(item: Item): Place;
  /** Said to people when there is nothing. */
  readonly empty: string;
}

/** Prints a list to stdout. JSON is one array, and what the API gave. */
export function printList<Item>(cli: Cli, items: readonly Item[], view: ListView<Item>): void {
  const { terminal } = cli;
  if (cli.output === "json") return terminal.data(JSON.stringify(items));
  if (items.length === 0) return cli.output === "table" ? terminal.note(view.empty) : undefined;
  if (cli.output === "id") return terminal.data(items.map(view.id).join("\n"));
  const places = items.map((item) => view.place?.(item)).map((place) => place && placeName(place));
  const isMixed = new Set(places).size > 1;
  const withPlace = (row: readonly string[], at: number): readonly string[] =>
    isMixed ? [...row.slice(0, -1), places[at] ?? "", ...row.slice(-1)] : row;
  const header = isMixed ? [...view.header.slice(0, -1), "PLACE", ...view.header.slice(-1)] : view.header;
  return terminal.data(formatTable([header, ...items.map((item, at) => withPlace(view.row(item), at))]));
}

/** `search/production`. */
export function placeName({ project, domain }: Place): string {
  return `${project}/${domain}`;
}

/** Prints one thing: its fields as lines, or as it came. */
export function printOne(
  cli: Cli,
  item: object,
  view: { readonly id: string; readonly fields: readonly (readonly [name: string, value: string])[] },
): void {
  const { terminal } = cli;
  if (cli.output === "json") return terminal.data(JSON.stringify(item));
  if (cli.output === "id") return terminal.data(view.id);
  return terminal.data(formatTable(view.fields.filter(([, value]) => value !== "")));
}

/** `2026-11-21 05:16:03`, in the time of this machine. */
export function formatTime(ms: number | null): string {
  if (ms === null) return "";
  const at = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return at.toISOString().slice(0, 19).replace("T", " ");
}
