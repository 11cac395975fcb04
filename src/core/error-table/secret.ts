/** Secrets that tasks declare, and whoever says who somebody is. */
export const SECRET_ERRORS = {
  SECRET_NOT_FOUND: {
    kind: "user",
    retryable: false,
    status: 404,
    title: "There is no such secret",
    hint: "Store it where the runners look, under the project and domain of the run.",
  },
  SECRET_NOT_DECLARED: {
    kind: "user",
    retryable: false,
    status: 403,
    title: "A task asked for a secret that it does not declare",
    hint: 'Name it where the task is defined: `secrets: ["OPENAI_KEY"]`.',
  },
  SECRET_FILE_UNSAFE: {
    kind: "usage",
    retryable: false,
    status: 500,
    title: "Others may read or replace a file with secrets",
    hint: "Take the rights of others away: `chmod 600` for a file, `chmod 700` for a folder.",
  },
  SECRETS_UNAVAILABLE: {
    kind: "system",
    retryable: true,
    status: 503,
    title: "The place where secrets are did not answer",
    hint: "Try again; if it stays, check that the runner may read secrets there.",
  },
  IDENTITY_PROVIDER_UNAVAILABLE: {
    kind: "system",
    retryable: true,
    status: 503,
    title: "The keys of the identity provider cannot be read",
    hint: "Try again; if it stays, check that the coordinator can reach `jwksUri`.",
  },
} as const;
