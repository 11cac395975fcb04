import { SourceMap, type SourceMapPayload } from "node:module";
import { readSourceMap } from "../runner/source-map.ts";
import type { TaskDefinition } from "../sdk/definition.ts";
import type { Bundle } from "./build.ts";

/** A place in text, both from 0. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** A place in the user's sources: the path relative to the project, line and column from 1. */
export interface SourcePlace {
  readonly path: string;
  readonly line: number;
  readonly column: number;
}

const PLACE = /^(.*):(\d+):(\d+)$/;

/** Where the tasks of a bundle were defined: in its text, and in the sources it was made of. */
export class Places {
  readonly #bundle: Bundle;
  readonly #map: SourceMap;

  constructor(bundle: Bundle) {
    this.#bundle = bundle;
    this.#map = new SourceMap(JSON.parse(readSourceMap(bundle.code)) as SourceMapPayload);
  }

  /** The places in the bundle that were on the stack when a task was defined, nearest first; Godwit's left out. */
  framesOf({ definedAt = [] }: TaskDefinition): TextPlace[] {
    return definedAt.flatMap((text) => {
      const [, url = "", line, column] = PLACE.exec(text) ?? [];
      // A bundle is loaded under its hash, whatever its folder.
      if (!url.endsWith(`${this.#bundle.hash}.mjs`)) return [];
      const place = { line: Number(line) - 1, column: Number(column) - 1 };
      return this.sourceOf(place) === null ? [] : [place];
    });
  }

  /**
   * The user's modules on the stack of a definition. More than one when a helper defines tasks for others: then the
   * helper and its callers all count, whichever of them holds the function.
   */
  modulesOf(task: TaskDefinition): string[] {
    return [...new Set(this.framesOf(task).map((place) => this.sourceOf(place)?.path ?? ""))];
  }

  /** The place in the user's sources that a place in the bundle stands for; null inside Godwit and in glue. */
  sourceOf({ line, column }: TextPlace): SourcePlace | null {
    const entry = this.#map.findEntry(line, column);
    if (!("originalSource" in entry)) return null;
    const path = entry.originalSource;
    if (!(path in this.#bundle.modules) || isGodwit(path, this.#bundle)) return null;
    return { path, line: entry.originalLine + 1, column: entry.originalColumn + 1 };
  }

  /** Whether a place in the bundle is in a module of the SDK that it carries, such as `map`. */
  isSdk({ line, column }: TextPlace, module: string): boolean {
    const entry = this.#map.findEntry(line, column);
    return "originalSource" in entry && SDK_MODULE.exec(entry.originalSource)?.[1] === module;
  }
}

const SDK_MODULE = /(?:^|\/)sdk\/([a-z-]+)\.[tj]s$/;

/** Whether a module is part of the SDK that a bundle carries. */
export function isGodwit(path: string, { godwit }: Bundle): boolean {
  const inside = godwit === "" ? "" : `${godwit}/`;
  return (
    path.startsWith(`${inside}src/sdk/`) ||
    path.startsWith(`${inside}src/core/`) ||
    path === `${inside}src/index.ts` ||
    path.startsWith(`${inside}dist/`)
  );
}
