import { blobContract, type OpenedStore } from "./contract.ts";
import { S3Server } from "./servers/s3.ts";
import { OPEN } from "./stores.ts";

async function open(): Promise<OpenedStore> {
  const s3 = new S3Server();
  await s3.server.start();
  const { accessKeyId, secretAccessKey, region } = s3.account;
  const args = [s3.server.url, s3.bucket, region, accessKeyId, secretAccessKey];
  const { faults } = s3.server;
  const paths: Readonly<Record<string, RegExp>> = {
    LAST: /uploadId=(?!.*partNumber)/,
    PART: /partNumber=/,
    MEDIA: /./,
  };
  return {
    store: OPEN.s3?.(...args) as OpenedStore["store"],
    probe: ["s3", ...args],
    faults: {
      seen: faults.seen,
      clear: () => faults.clear(),
      add: (fault, methods, times, path = "") =>
        faults.add(
          fault,
          ({ method = "", url = "" }) =>
            methods.split(" ").includes(method) && (paths[path] ?? /./).test(url),
          times,
        ),
    },
    skipTime(ms) {
      s3.skippedMs += ms;
    },
    close: () => s3.server.stop(),
  };
}

blobContract("S3", open);
