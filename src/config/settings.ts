/** Everything that can be configured, as data: what reads, checks and shows settings goes through this list. */
export interface Setting {
  readonly name: SettingName;
  /** Environment variable that gives it. */
  readonly variable: string;
  /** Flag of the command line that gives it; null: none does. */
  readonly flag: string | null;
  /** Whether it may stand in a configuration file. */
  readonly isInFiles: boolean;
  /** `secret` is shown only as its ends, `url` without its password. */
  readonly shown: "plain" | "secret" | "url";
  readonly description: string;
}

export type SettingName =
  | "profile"
  | "endpoint"
  | "token"
  | "project"
  | "domain"
  | "dataDir"
  | "output"
  | "databaseUrl";

/** The value of `endpoint` that means no coordinator: the engine in this process. */
export const LOCAL_ENDPOINT = "local";

/** How the command line prints data. */
export const OUTPUT_FORMATS = ["json", "table", "id"] as const;

export const SETTINGS: readonly Setting[] = [
  {
    name: "profile",
    variable: "GODWIT_PROFILE",
    flag: "--profile",
    isInFiles: true,
    shown: "plain",
    description: "which profile of the configuration files is used",
  },
  {
    name: "endpoint",
    variable: "GODWIT_ENDPOINT",
    flag: "--endpoint",
    isInFiles: true,
    shown: "plain",
    description: "coordinator to use, or `local` for this machine",
  },
  {
    name: "token",
    variable: "GODWIT_TOKEN",
    flag: null,
    isInFiles: true,
    shown: "secret",
    description: "API key for the coordinator",
  },
  {
    name: "project",
    variable: "GODWIT_PROJECT",
    flag: "--project",
    isInFiles: true,
    shown: "plain",
    description: "project that is meant",
  },
  {
    name: "domain",
    variable: "GODWIT_DOMAIN",
    flag: "--domain",
    isInFiles: true,
    shown: "plain",
    description: "domain of the project that is meant",
  },
  {
    name: "dataDir",
    variable: "GODWIT_DATA_DIR",
    flag: "--data-dir",
    isInFiles: true,
    shown: "plain",
    description: "folder for the data of this machine",
  },
  {
    name: "output",
    variable: "GODWIT_OUTPUT",
    flag: "--output",
    isInFiles: true,
    shown: "plain",
    description: "how the command line prints data: json, table or id",
  },
  {
    name: "databaseUrl",
    variable: "GODWIT_DATABASE_URL",
    flag: null,
    isInFiles: false,
    shown: "url",
    description: "PostgreSQL instead of SQLite in the data folder",
  },
];

/** A value as it may be shown: nobody can use a secret that was copied from a screen. */
export function maskValue({ shown }: Setting, value: string): string {
  if (shown === "secret") return maskSecret(value);
  return shown === "url" ? maskPassword(value) : value;
}

/** `gw…wxyz`; of a short secret, whose ends would be most of it, nothing. */
function maskSecret(secret: string): string {
  return secret.length < 16 ? "…" : `${secret.slice(0, 2)}…${secret.slice(-4)}`;
}

function maskPassword(text: string): string {
  const url = URL.parse(text);
  if (url === null) return "…";
  if (url.password !== "") url.password = "***";
  // A driver takes the password from the query, too.
  for (const name of url.searchParams.keys()) if (/pass/i.test(name)) url.searchParams.set(name, "***");
  return url.href;
}
