/** One server-sent event. */
export interface SourceEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
}

/**
 * The events in a stream of bytes, as the HTML standard reads them. Gives null for a comment, which is how a quiet
 * server says that it is there. An event that was cut off is left out.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<SourceEvent | null, void, void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const blocks = rest.split(/\r\n\r\n|\n\n|\r\r/);
      rest = blocks.pop() ?? "";
      for (const block of blocks) yield parse(block);
    }
  } finally {
    // Whoever stops reading closes the connection.
    await reader.cancel().catch(() => undefined);
  }
}

function parse(block: string): SourceEvent | null {
  let event = "message";
  let id: string | undefined;
  const data: string[] = [];
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, text = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === "event") event = text;
    else if (name === "id") id = text;
    else if (name === "data") data.push(text);
  }
  return data.length === 0 ? null : { event, data: data.join("\n"), id };
}
