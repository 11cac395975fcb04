/** Rewrites what depends on where the project and Godwit lie relative to each other. */
export function neutralizer(from: string): {
  code(text: string): string;
  map(text: string, addedLines: number): string;
} {
  const to = "node_modules/godwit";
  const isMoved = from !== "" && from !== to;
  return {
    // The names of modules that esbuild writes above them, and those of CommonJS modules.
    code: (text) =>
      isMoved
        ? text.replaceAll(`\n// ${from}/`, `\n// ${to}/`).replaceAll(`\n  "${from}/`, `\n  "${to}/`)
        : text,
    map(text, addedLines) {
      const map = JSON.parse(text) as SourceMapText;
      const sources = map.sources.map((source) =>
        isMoved && source.startsWith(`${from}/`) ? to + source.slice(from.length) : source,
      );
      // Only the user's own sources travel: nobody debugs a package through a map, and it would double the size.
      const sourcesContent = map.sourcesContent.map((text, index) =>
        isForeign(map.sources[index] ?? "", from) ? null : text,
      );
      return JSON.stringify({
        ...map,
        sources,
        sourcesContent,
        mappings: ";".repeat(addedLines) + map.mappings,
      });
    },
  };
}

function isForeign(source: string, godwit: string): boolean {
  return /(^|\/)node_modules\//.test(source) || (godwit !== "" && source.startsWith(`${godwit}/`));
}

interface SourceMapText {
  readonly sources: readonly string[];
  readonly sourcesContent: readonly (string | null)[];
  readonly mappings: string;
}
