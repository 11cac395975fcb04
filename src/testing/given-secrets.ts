import { type SecretSource, secretNotFound } from "../ports/secrets.ts";

/** Secrets that a test gives. */
export function givenSecrets(values: Readonly<Record<string, string>>): SecretSource {
  return {
    async get(names, place) {
      const missing = names.filter((name) => !Object.hasOwn(values, name));
      if (missing.length > 0) throw secretNotFound(missing, place);
      return values;
    },
  };
}
