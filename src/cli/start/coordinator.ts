import { startCoordinator } from "../../server/coordinator.ts";
import { coordinatorSettings } from "../../server/coordinator-settings.ts";
import { stopAsked } from "../../server/stop-signal.ts";
import { EXIT } from "../exit-code.ts";
import { readWholeNumber } from "../flags/whole-number.ts";
import { tellError } from "../tell-error.ts";
import type { Part } from "./part.ts";

/** The control plane, for people and runners elsewhere. */
export const coordinator: Part = {
  flags: [
    ["--host <address>", "address it listens on (GODWIT_HOST, default 127.0.0.1; 0.0.0.0 for all)"],
    ["--port <number>", "port it listens on (GODWIT_PORT, default 8080)"],
    ["--database <url>", "postgres://…  (GODWIT_DATABASE_URL, default SQLite in the data folder)"],
    [
      "--blobs <uri>",
      "blob store: s3://, gs://, az:// or file:/// (GODWIT_BLOBS, default in the data folder)",
    ],
    ["--public-url <url>", "where clients and runners reach it (GODWIT_PUBLIC_URL)"],
    ["--auth <mode>", "keys, or open for this machine alone (GODWIT_AUTH, default keys)"],
    ["--oidc <file>", "OIDC issuers whose tokens count as keys (GODWIT_OIDC_FILE)"],
  ],
  async start(cli, options) {
    const { terminal } = cli;
    const text = (name: string): string | undefined => options[name] as string | undefined;
    const given = coordinatorSettings(process.env);
    const { url, advice, stop } = await startCoordinator(
      {
        ...given,
        dataDir: cli.dataDir ?? given.dataDir,
        host: text("host") ?? given.host,
        port: readWholeNumber(options["port"], "--port", 0) ?? given.port,
        databaseUrl: text("database") ?? given.databaseUrl,
        blobs: text("blobs") ?? given.blobs,
        publicUrl: text("publicUrl") ?? given.publicUrl,
        auth: text("auth") ?? given.auth,
        oidcFile: text("oidc") ?? given.oidcFile,
      },
      ({ message, error }) => tellError(cli, error ?? message),
    );
    for (const line of advice) terminal.note(`${terminal.paint("yellow", "note")}: ${line}`);
    terminal.data(`godwit coordinator serves ${url}`);
    await stopAsked();
    terminal.note("stopping; press Ctrl-C again to force");
    await stop();
    return EXIT.ok;
  },
};
