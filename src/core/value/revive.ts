import { PRIMITIVE_DECODERS } from "./built-in.ts";
import { malformed } from "./malformed.ts";
import type { ValueType } from "./value-type.ts";

type TypeOfTag = (tag: string) => ValueType | undefined;

/**
 * Turns tags back into values, in place: `tree` comes fresh from `JSON.parse` and belongs to nobody else. Its
 * depth must have been checked. Names such as `__proto__` are own properties there already, so writing to them
 * reaches no prototype.
 */
export function revive(tree: unknown, typeOfTag: TypeOfTag): unknown {
  if (typeof tree !== "object" || tree === null) return tree;
  if (Array.isArray(tree)) {
    for (let i = 0; i < tree.length; i++) {
      const item: unknown = tree[i];
      if (typeof item === "object" && item !== null) tree[i] = revive(item, typeOfTag);
    }
    return tree;
  }
  const object = tree as Record<string, unknown>;
  const keys = Object.keys(object);
  const only = keys.length === 1 ? keys[0] : undefined;
  if (only?.startsWith("$")) return reviveTag(only, object[only], typeOfTag);
  for (const key of keys) {
    const item = object[key];
    if (typeof item === "object" && item !== null) object[key] = revive(item, typeOfTag);
  }
  return object;
}

function reviveTag(key: string, payload: unknown, typeOfTag: TypeOfTag): unknown {
  if (key.startsWith("$$")) return { [key.slice(1)]: revive(payload, typeOfTag) };
  const tag = key.slice(1);
  const type = typeOfTag(tag);
  const decode = Object.hasOwn(PRIMITIVE_DECODERS, tag) ? PRIMITIVE_DECODERS[tag] : type?.decode;
  if (!decode) {
    throw malformed(`has the unknown tag ${JSON.stringify(clip(key))}`, {
      hint: `Register the type with \`registerValueType\`, or write "$${clip(key)}" for a property that is called so.`,
    });
  }
  const parts = type?.isFinished ? payload : revive(payload, typeOfTag);
  try {
    return decode.call(type, parts);
  } catch (error) {
    throw malformed(`has a ${JSON.stringify(clip(key))} that cannot be read`, { cause: error });
  }
}

function clip(key: string): string {
  return key.length <= 40 ? key : `${key.slice(0, 40)}…`;
}
