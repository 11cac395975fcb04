import type { SettingName } from "./settings.ts";

/** Where a value stands. */
export type Source =
  | { readonly kind: "flag"; readonly flag: string }
  | { readonly kind: "variable"; readonly variable: string }
  | {
      readonly kind: "file";
      readonly file: string;
      readonly line: number;
      /** Profile of the file it stands in; null: outside of all. */
      readonly profile: string | null;
    }
  | { readonly kind: "default" };

/** A value and where it stands. */
export interface Given {
  readonly value: string;
  readonly source: Source;
  /** The value only names where the real one is: a file, or an environment variable. Only tokens of files do that. */
  readonly via?: "file" | "variable";
}

/** What one place says of settings; what it does not say is absent. */
export type Layer = { readonly [Name in SettingName]?: Given };

/** A configuration file that was read and is in order. */
export interface ConfigFile {
  readonly path: string;
  /** What stands outside of profiles. */
  readonly top: Layer;
  readonly profiles: ReadonlyMap<string, Layer>;
}

/** `--endpoint`, `GODWIT_ENDPOINT`, `.godwit/config.yaml:3 (profile prod)` or `default`. */
export function describeSource(source: Source): string {
  switch (source.kind) {
    case "flag":
      return source.flag;
    case "variable":
      return source.variable;
    case "file": {
      const place = `${source.file}:${source.line}`;
      return source.profile === null ? place : `${place} (profile ${source.profile})`;
    }
    case "default":
      return "default";
  }
}
