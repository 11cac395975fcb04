import { openRemoteBlobs } from "../../adapters/remote/open.ts";
import { GodwitClient } from "../client/client.ts";
import { GodwitError } from "../core/errors.ts";
import { remoteStarter } from "../runner/remote-starter.ts";
import { ValueStore } from "../runner/values.ts";
import type { BlobAccess } from "../sdk/blobs.ts";
import { isRemote } from "../sdk/remote-target.ts";
import type { RunStarter } from "../sdk/starter.ts";

/** A coordinator, and what is meant there. */
export interface Endpoint {
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly project: string | undefined;
  readonly domain: string | undefined;
}

/** Starts the runs of a script on a coordinator, which has the code of their tasks from a deployment. */
export function endpointStarter(at: Endpoint): RunStarter {
  const { endpoint, token, project, domain } = at;
  const values = new ValueStore({
    blobs: (user) => endpointBlobs({ ...at, project: user.project ?? project }),
  });
  const starter = remoteStarter(new GodwitClient({ endpoint, token }), {
    values,
    ...(project !== undefined && { project }),
    ...(domain !== undefined && { domain }),
  });
  return {
    ...starter,
    start: (request) =>
      isRemote(request.task)
        ? starter.start(request)
        : starter.start(request).catch((error: unknown) => Promise.reject(explained(error, at))),
  };
}

/** The files of a script on a coordinator. */
export function endpointBlobs({ endpoint, token, project }: Endpoint): Promise<BlobAccess> {
  return openRemoteBlobs({ endpoint, token, project });
}

/** A script that is started like one of this machine does not expect that its tasks have to be deployed. */
function explained(error: unknown, { endpoint }: Endpoint): unknown {
  if (!(error instanceof GodwitError) || error.code !== "TASK_NOT_FOUND") return error;
  return new GodwitError(error.code, `${error.message}, on ${endpoint}`, {
    cause: error,
    hint: "Deploy its file there with `godwit deploy <file>`, or run on this machine with `GODWIT_ENDPOINT=local`.",
  });
}
