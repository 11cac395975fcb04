/** The contents of every element with this name, in order, still escaped. For answers whose shape is known. */
export function xmlElements(text: string, name: string): string[] {
  const found = text.matchAll(new RegExp(`<${name}(?:\\s[^>]*)?(?:/>|>([\\s\\S]*?)</${name}>)`, "g"));
  return [...found].map((match) => match[1] ?? "");
}

/** The text of the first element with this name, or undefined. */
export function xmlText(text: string, name: string): string | undefined {
  const inner = xmlElements(text, name)[0];
  return inner === undefined ? undefined : unescapeXml(inner);
}

/** @example escapeXml("a<b") // "a&lt;b" */
export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g, (all, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return NAMED[name] ?? all;
  });
}
