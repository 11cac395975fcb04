import type { KeyView } from "../../client/api.ts";
import type { GodwitClient } from "../../client/client.ts";
import type { Cli } from "../cli.ts";
import { formatTime, printList } from "../print.ts";
import { take } from "./take.ts";

/** Lists API keys. */
export async function printKeys(
  cli: Cli,
  client: GodwitClient,
  { limit }: { readonly limit: number },
): Promise<void> {
  const { project } = cli;
  const found = await take<KeyView>(limit, (at) =>
    client.listKeys({ ...(project !== undefined && { project }), ...at }),
  );
  printList(cli, found, {
    header: ["KEY", "NAME", "SCOPES", "PROJECT", "STATE", "LAST USED"],
    row: (item) => [
      item.id,
      item.name,
      item.scopes.join(","),
      item.project ?? "all",
      stateOf(item),
      item.lastUsedMs === null ? "never" : formatTime(item.lastUsedMs),
    ],
    id: (item) => item.id,
    empty: "There are no API keys. `godwit create key <name> --scope admin` makes one.",
  });
}

function stateOf({ revokedMs, expiresMs }: KeyView): string {
  if (revokedMs !== null) return "revoked";
  if (expiresMs === null) return "valid";
  return `${expiresMs <= Date.now() ? "expired" : "until"} ${formatTime(expiresMs)}`;
}
