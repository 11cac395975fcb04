import { GodwitError } from "../core/errors.ts";
import { type SecretSource, secretNotFound } from "../ports/secrets.ts";
import type { Session } from "./session.ts";

/** The secrets of one execution, by name. */
export type Secrets = Readonly<Record<string, string>>;

/** What most tasks declare. */
export const NO_SECRETS: Secrets = Object.freeze({});

const LONGEST_MS = 30_000;

/**
 * The secrets that a task declares, read just before it starts. The redactor knows them before user code does.
 *
 * @throws GodwitError SECRET_NOT_FOUND; SECRETS_UNAVAILABLE, after which the attempt is tried again
 */
export async function readSecrets(session: Session, source: SecretSource | undefined): Promise<Secrets> {
  const { project, domain, options } = session.grant;
  const { secrets: names = [] } = options;
  if (names.length === 0) return NO_SECRETS;
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(LONGEST_MS)]);
  const place = { project, domain, signal };
  if (source === undefined) throw secretNotFound(names, place);
  const found = await Promise.race([source.get(names, place), aborted(signal)]).catch(unavailable);
  const missing = names.filter((name) => typeof found[name] !== "string");
  if (missing.length > 0) throw secretNotFound(missing, place);
  const secrets = Object.fromEntries(names.map((name) => [name, found[name] as string]));
  session.lines.redactor.add(Object.values(secrets));
  return secrets;
}

/** What reads the secrets of an execution. It throws SECRET_NOT_DECLARED for any other name. */
export function secretReader(secrets: Secrets, task: string): (name: string) => string {
  return (name) => {
    const value = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (value !== undefined) return value;
    throw new GodwitError("SECRET_NOT_DECLARED", `${task} does not declare the secret "${name}"`);
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (): void => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** What a source throws says what it likes; its own codes are kept. */
function unavailable(error: unknown): never {
  if (error instanceof GodwitError) throw error;
  const reason = error instanceof Error ? error.message : String(error);
  throw new GodwitError("SECRETS_UNAVAILABLE", `the secrets cannot be read: ${reason}`, { cause: error });
}
