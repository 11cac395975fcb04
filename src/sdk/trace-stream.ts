import { decodeValue, encodeValue } from "../core/value.ts";
import { sessionStorage, type TaskSession } from "./session.ts";
import { TraceView } from "./trace-view.ts";

/** A call of a traced generator. */
export interface StreamCall {
  readonly name: string;
  readonly args: readonly unknown[];
  readonly open: () => AsyncGenerator;
}

/** What is recorded of a generator. */
interface StreamRecord {
  readonly items: readonly unknown[];
  readonly result: unknown;
}

/** Yields the items of a traced generator: live while it is executed here, else from the record. */
export async function* streamTrace(
  session: TaskSession,
  call: StreamCall,
): AsyncGenerator<unknown, unknown, void> {
  const channel = new Channel();
  const { name, args, open } = call;
  const execute = (): Promise<StreamRecord> =>
    sessionStorage().run(new TraceView(session, name), () => collect(open(), channel));
  session.trace({ name, args, execute }).then(
    (record) => channel.end(record as StreamRecord),
    (error: unknown) => channel.fail(error),
  );
  try {
    for (;;) {
      const next = await channel.next();
      if (next.done === true) return next.value;
      yield next.value;
    }
  } finally {
    channel.isLeft = true;
  }
}

/** Executes the generator, at its own pace. A reader who left ends it after the item under way. */
async function collect(source: AsyncGenerator, channel: Channel): Promise<StreamRecord> {
  const items: unknown[] = [];
  for (;;) {
    const step = await source.next();
    if (step.done === true) return { items, result: step.value };
    items.push(step.value);
    // Through the codec, so that the reader sees what a replay will show.
    channel.push(decodeValue(encodeValue(step.value)));
    if (!channel.isLeft) continue;
    await source.return(undefined);
    return { items, result: undefined };
  }
}

/** Items on their way to the reader. They end when the record is durable, which brings those not pushed live. */
class Channel {
  isLeft = false;
  readonly #items: unknown[] = [];
  #taken = 0;
  #end: { readonly result: unknown } | { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  push(item: unknown): void {
    this.#items.push(item);
    this.#wake?.();
  }

  end({ items, result }: StreamRecord): void {
    for (let index = this.#items.length; index < items.length; index++) this.#items.push(items[index]);
    this.#end = { result };
    this.#wake?.();
  }

  fail(error: unknown): void {
    this.#end = { error };
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<unknown, unknown>> {
    while (this.#taken >= this.#items.length) {
      if (this.#end !== undefined) return this.#finish(this.#end);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const value = this.#items[this.#taken];
    // Given up for collection: the record keeps the items, the channel does not have to.
    this.#items[this.#taken++] = undefined;
    return { done: false, value };
  }

  #finish(end: { readonly result: unknown } | { readonly error: unknown }): IteratorResult<unknown, unknown> {
    if ("error" in end) throw end.error;
    return { done: true, value: end.result };
  }
}
