const encoder = new TextEncoder();

/**
 * How many bytes `text` takes as UTF-8.
 *
 * @example utf8Length("é") // 2
 */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

/**
 * Whether `text` takes at most `limitBytes` as UTF-8; counts only when the answer is not plain from the length.
 *
 * @example fitsUtf8("hello", 16) // true
 */
export function fitsUtf8(text: string, limitBytes: number): boolean {
  if (text.length > limitBytes) return false;
  return text.length * 3 <= limitBytes || utf8Length(text) <= limitBytes;
}

/**
 * Cuts `text` to `limitBytes` of UTF-8, the notice that says so included. Never splits a character, and leaves a
 * text that was clipped before as it is.
 *
 * @example clipUtf8("x".repeat(20_000), 8192) // "xxx… [11844 more characters]"
 */
export function clipUtf8(text: string, limitBytes: number): string {
  if (fitsUtf8(text, limitBytes)) return text;
  const room = new Uint8Array(Math.max(0, limitBytes - NOTICE_BYTES));
  const kept = encoder.encodeInto(text, room).read;
  return `${text.slice(0, kept)}… [${text.length - kept} more characters]`;
}

const NOTICE_BYTES = 40;
