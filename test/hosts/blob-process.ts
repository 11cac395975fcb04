import { S3Server } from "../blobs/servers/s3.ts";

/** A blob store as a process of its own: prints where it is, and how it is reached. */
const [host = "127.0.0.1"] = process.argv.slice(2);
const s3 = new S3Server();
await s3.server.start(host);
const { account, bucket } = s3;
process.stdout.write(`${JSON.stringify({ ...account, bucket, port: new URL(s3.server.url).port })}\n`);
// Says what it holds to whoever asks.
process.on("SIGUSR2", () => process.stdout.write(`${JSON.stringify({ keys: [...s3.blobs.keys()] })}\n`));
