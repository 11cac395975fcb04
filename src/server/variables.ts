import { GodwitError } from "../core/errors.ts";

/** A variable that is set to something. */
export function readText(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name] || undefined;
}

/** A variable that holds a whole number. @throws GodwitError CONFIG_INVALID */
export function readCount(
  env: NodeJS.ProcessEnv,
  name: string,
  { least, most = Number.MAX_SAFE_INTEGER }: { readonly least: number; readonly most?: number },
): number | undefined {
  const text = readText(env, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  throw new GodwitError("CONFIG_INVALID", `${name} is a whole number ${range}, not "${text}"`, {
    hint: `Correct the variable ${name}, or leave it out.`,
  });
}

/** A variable that holds names with commas between them. */
export function readNames(env: NodeJS.ProcessEnv, name: string): readonly string[] | undefined {
  const text = readText(env, name);
  return text === undefined ? undefined : splitNames(text);
}

/** `a, b` → a and b. */
export function splitNames(text: string): readonly string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
