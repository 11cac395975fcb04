import { join, resolve } from "node:path";
import { type Document, isMap, isScalar, LineCounter, type Pair, parseDocument } from "yaml";
import type * as z from "zod";
import { GodwitError } from "../core/errors.ts";
import { didYouMean } from "../sdk/suggestion.ts";
import { quoteUrl } from "./check.ts";
import { configFileSchema, FILE_KEYS, SECTION_KEYS, type SectionText } from "./file-schema.ts";
import type { ConfigFile, Given, Layer } from "./layer.ts";
import type { SettingName } from "./settings.ts";

export interface FilePlace {
  readonly path: string;
  /** Folder that relative paths in the file start from. */
  readonly base: string;
  /** What `~/` stands for. */
  readonly home: string;
}

/**
 * Reads the text of a configuration file.
 *
 * @throws GodwitError CONFIG_INVALID with the line, the offending value and what is close to it
 */
export function readConfigFile(text: string, place: FilePlace): ConfigFile {
  const reader = new Reader(text, place);
  const { profiles = {}, ...top } = reader.check();
  return {
    path: place.path,
    top: reader.layer(top, null),
    profiles: new Map(
      Object.entries(profiles).map(([name, section]) => [name, reader.layer(section ?? {}, name)]),
    ),
  };
}

type Path = readonly PropertyKey[];
type Checked = z.infer<typeof configFileSchema>;

/** Keys that hold a token, and what they hold. */
const TOKEN_KEYS = [
  ["token", undefined],
  ["tokenFile", "file"],
  ["tokenEnv", "variable"],
] as const;
const PATH_KEYS: readonly string[] = ["dataDir", "tokenFile"];

class Reader {
  readonly #place: FilePlace;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed;

  constructor(text: string, place: FilePlace) {
    this.#place = place;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
    const [fault] = [...this.#document.errors, ...this.#document.warnings];
    if (fault !== undefined)
      throw this.#notYaml(fault.message, this.#lines.linePos(fault.pos[0]).line, fault);
  }

  check(): Checked {
    const value: unknown = this.#value();
    const result = configFileSchema.safeParse(value ?? {});
    if (!result.success) throw this.#fault(result.error.issues[0] as z.core.$ZodIssue, value);
    this.#checkTokens(result.data, []);
    for (const [name, section] of Object.entries(result.data.profiles ?? {})) {
      this.#checkTokens(section ?? {}, ["profiles", name]);
    }
    return result.data;
  }

  /** A part of the file as a layer. */
  layer(section: SectionText & { readonly profile?: string | undefined }, profile: string | null): Layer {
    const prefix: Path = profile === null ? [] : ["profiles", profile];
    const given = (key: string, via?: "file" | "variable"): Given => {
      const line = this.#lineOf([...prefix, key]);
      const value = this.#expand(key, section[key as keyof SectionText] ?? "");
      const source = { kind: "file", file: this.#place.path, line, profile } as const;
      return via === undefined ? { value, source } : { value, source, via };
    };
    const has = (key: string): boolean => section[key as keyof SectionText] !== undefined;
    const plain: SettingName[] = ["profile", "endpoint", "project", "domain", "dataDir", "output"];
    const token = TOKEN_KEYS.find(([key]) => has(key));
    return {
      ...Object.fromEntries(plain.filter(has).map((key) => [key, given(key)])),
      ...(token !== undefined && { token: given(token[0], token[1]) }),
    };
  }

  #value(): unknown {
    try {
      return this.#document.toJS();
    } catch (error) {
      // An alias of nothing, or aliases that would fill the memory.
      throw this.#notYaml(error instanceof Error ? error.message : String(error), 1, error);
    }
  }

  #expand(key: string, value: string): string {
    if (!PATH_KEYS.includes(key)) return value;
    return /^~[\\/]/.test(value) ? join(this.#place.home, value.slice(2)) : resolve(this.#place.base, value);
  }

  #checkTokens(section: SectionText, prefix: Path): void {
    const given = TOKEN_KEYS.map(([key]) => key).filter((key) => section[key] !== undefined);
    if (given.length < 2) return;
    throw this.#invalid([...prefix, given[1] as string], `\`${given.join("` and `")}\` exclude each other`, {
      hint: "Keep one of them; `tokenFile` and `tokenEnv` keep the token out of the file.",
    });
  }

  /** The first fault of the schema in words. */
  #fault(issue: z.core.$ZodIssue, value: unknown): GodwitError {
    if (issue.code === "unrecognized_keys") {
      const key = issue.keys[0] ?? "";
      const known = issue.path.length === 0 ? FILE_KEYS : SECTION_KEYS;
      return this.#invalid([...issue.path, key], `there is no setting \`${key}\`.${didYouMean(key, known)}`, {
        hint: `Settings: ${known.join(", ")}.`,
      });
    }
    const name = issue.path.map(String).join(".");
    if (name === "") return this.#invalid([], "a configuration is a list of `setting: value` lines");
    const found = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], value);
    const isSecret = issue.path.at(-1) === "token";
    return this.#invalid(
      issue.path,
      `\`${name}\`${isSecret ? "" : ` is ${shown(found)}, and`} ${rule(issue)}`,
    );
  }

  #lineOf(path: Path): number {
    const start = keyOf(this.#document.contents, path);
    return start === undefined ? 1 : this.#lines.linePos(start).line;
  }

  #invalid(path: Path, what: string, more: { readonly hint?: string } = {}): GodwitError {
    const hint = "Fix that line; `godwit get config` shows where each value comes from.";
    const message = `${this.#place.path}:${this.#lineOf(path)}: ${what}`;
    return new GodwitError("CONFIG_INVALID", message, { hint, ...more });
  }

  #notYaml(reason: string, line: number, cause: unknown): GodwitError {
    return new GodwitError("CONFIG_INVALID", `${this.#place.path}:${line}: this is not YAML: ${reason}`, {
      cause,
      hint: "Indent with spaces, and quote a text that holds `: ` or begins with a special character.",
    });
  }
}

/** Where the key at a path begins, or the closest one above it. */
function keyOf(node: unknown, path: Path): number | undefined {
  let start: number | undefined;
  let at = node;
  for (const key of path) {
    if (!isMap(at)) return start;
    const pair: Pair | undefined = at.items.find(({ key: one }) => isScalar(one) && one.value === key);
    if (pair === undefined) return start;
    if (isScalar(pair.key)) start = pair.key.range?.[0] ?? start;
    at = pair.value;
  }
  return start;
}

function rule(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type")
    return `must be ${issue.expected === "string" ? "text" : "a list of settings"}`;
  if (issue.code === "invalid_value") return `must be one of ${issue.values.join(", ")}`;
  if (issue.code === "invalid_key") return "has a name that must be letters, digits, `.`, `_` and `-`";
  return issue.message;
}

function shown(value: unknown): string {
  if (typeof value === "string") return quoteUrl(value);
  if (value === null) return "empty";
  return typeof value === "object" ? (Array.isArray(value) ? "a list" : "a group of lines") : String(value);
}
