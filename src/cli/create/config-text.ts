/** What a new configuration file holds: what was given, and the rest as comments. */
export function configText(owner: "project" | "user", given: Readonly<Record<string, string>>): string {
  const line = (name: string, example: string): string =>
    given[name] === undefined ? `# ${name}: ${example}` : `${name}: ${JSON.stringify(given[name])}`;
  const head =
    owner === "project"
      ? [
          "# Settings of everybody who works on this project. Flags and GODWIT_* variables win over them.",
          "# Keep tokens out: they belong into your own file (`godwit create config --user`) or into a variable.",
        ]
      : [
          "# Your own settings, for every project. The file of a project wins over them.",
          "# A token goes to the endpoint it stands beside, and to no other.",
        ];
  return [
    ...head,
    line("project", "search"),
    line("domain", "development"),
    line("endpoint", "https://godwit.example.com   # or local: this machine"),
    line("dataDir", "data   # relative to the folder that holds .godwit"),
    line("output", "table   # json, table or id"),
    line("profile", "staging   # used when none is named"),
    "",
    "# Chosen by `--profile staging` or GODWIT_PROFILE.",
    ...(owner === "project" ? PROJECT_PROFILES : USER_PROFILES),
    "",
  ].join("\n");
}

const PROJECT_PROFILES = [
  "# profiles:",
  "#   staging:",
  "#     endpoint: https://godwit.example.com",
  "#     domain: staging",
  "#     tokenEnv: STAGING_TOKEN   # the variable that holds the key",
];

const USER_PROFILES = [
  "# profiles:",
  "#   staging:",
  "#     endpoint: https://godwit.example.com",
  "#     tokenFile: ~/.config/godwit/staging-key   # or token: gw_live_…",
];
