import { GodwitError } from "../core/errors.ts";

/**
 * Where secrets are: a folder of this machine, or the secret manager of a cloud. A runner asks for what a task
 * declares just before the task starts; nobody else ever asks, and what is answered is written down nowhere.
 */
export interface SecretSource {
  /**
   * The values of all `names`. The same name in another project or domain is another secret.
   *
   * @throws GodwitError SECRET_NOT_FOUND that names every missing one; SECRETS_UNAVAILABLE when nobody answers
   */
  get(names: readonly string[], place: SecretPlace): Promise<Readonly<Record<string, string>>>;
}

/** Whose secrets are meant. */
export interface SecretPlace {
  readonly project: string;
  readonly domain: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether something can be the name of a secret in every source: letters, digits and `_`.
 *
 * @example isSecretName("OPENAI_KEY") // true
 */
export function isSecretName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name);
}

/** The error of secrets that a source does not have. */
export function secretNotFound(names: readonly string[], { project, domain }: SecretPlace): GodwitError {
  const listed = names.map((name) => `"${name}"`).join(", ");
  const message = `no secret ${listed} in ${project}/${domain}`;
  return new GodwitError("SECRET_NOT_FOUND", message, { details: { names: [...names] } });
}
