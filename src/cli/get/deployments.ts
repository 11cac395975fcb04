import type { DeploymentSummary } from "../../client/api.ts";
import type { GodwitClient } from "../../client/client.ts";
import type { Cli } from "../cli.ts";
import { placeOf } from "../place.ts";
import { formatTime, placeName, printList, printOne } from "../print.ts";
import { take } from "./take.ts";

const ID = /^[0-9a-f]{64}$/;

/** Lists deployments, of one environment or of all, or shows the one with an id. */
export async function printDeployments(
  cli: Cli,
  client: GodwitClient,
  { ids: [given], limit }: { readonly ids: readonly string[]; readonly limit: number },
): Promise<void> {
  if (given !== undefined && ID.test(given)) return printDeployment(cli, client, given);
  const query = { ...placeOf(cli), ...(given !== undefined && { environment: given }) };
  const found = await take<DeploymentSummary>(limit, (at) => client.listDeployments({ ...query, ...at }));
  printList(cli, found, {
    header: ["ENVIRONMENT", "VERSION", "DEPLOYED", "SINCE", "DEPLOYMENT"],
    row: (item) => [
      item.environment ?? WHOLE,
      item.version,
      deployedAt(item),
      formatTime(item.createdMs),
      item.id,
    ],
    id: (item) => item.id,
    place: (item) => item,
    empty: "Nothing is deployed. `godwit deploy <file>` deploys the environments of a file.",
  });
}

function deployedAt({ activatedMs }: Pick<DeploymentSummary, "activatedMs">): string {
  return activatedMs === null ? "only run" : formatTime(activatedMs);
}

const WHOLE = "(whole file)";

async function printDeployment(cli: Cli, client: GodwitClient, id: string): Promise<void> {
  const found = await client.getDeployment(id);
  const { environment, version, bundle, activatedMs, createdMs, description, dependsOn, source, tasks } =
    found;
  printOne(cli, found, {
    id,
    fields: [
      ["deployment", id],
      ["environment", environment ?? WHOLE],
      ["version", version],
      ["place", placeName(found)],
      ["deployed", deployedAt({ activatedMs })],
      ["since", formatTime(createdMs)],
      ["bundle", bundle],
      ["description", description ?? ""],
      ["depends on", Object.keys(dependsOn).join(", ")],
      ["source", JSON.stringify(source)],
      ["tasks", tasks.map(({ name }) => name).join(", ")],
    ],
  });
}
