const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  k: 1e3,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/**
 * Bytes in a size such as `"512Mi"` (binary) or `"1G"` (decimal), rounded up; `undefined` when it is not one.
 *
 * @example parseBytes("1.5Ki") // 1536
 */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([A-Za-z]*)$/.exec(text);
  const unit = match?.[2] === "" ? 1 : UNITS[match?.[2] ?? ""];
  if (!match || unit === undefined) return undefined;
  // 1.1 * 1e9 is a little more than 1,100,000,000; such a remainder is no byte.
  const bytes = Math.ceil(Number((Number(match[1]) * unit).toFixed(3)));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * A size for people: the largest binary unit, with at most one decimal.
 *
 * @example formatBytes(536_870_912) // "512 MiB"
 */
export function formatBytes(bytes: number): string {
  const exponent = Math.min(4, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const amount = Math.round((bytes / 2 ** (10 * exponent)) * 10) / 10;
  return `${amount} ${["B", "KiB", "MiB", "GiB", "TiB"][exponent]}`;
}
