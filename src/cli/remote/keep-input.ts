import { openRemoteBlobs } from "../../../adapters/remote/open.ts";
import type { Json } from "../../core/error-record.ts";
import type { EncodedValue } from "../../core/value.ts";
import { ValueStore } from "../../runner/values.ts";
import type { Cli } from "../cli.ts";

/**
 * An input as it is sent: itself when it is small, else a reference to what was brought to the blob store of the
 * coordinator, so that requests stay small.
 */
export async function keepInput(
  { endpoint = "", token, project }: Pick<Cli, "endpoint" | "token" | "project">,
  input: EncodedValue,
): Promise<Json> {
  const values = new ValueStore({
    blobs: (user) => openRemoteBlobs({ endpoint, token, project: user.project }),
  });
  return JSON.parse(await values.for({ project }).keep(input)) as Json;
}
