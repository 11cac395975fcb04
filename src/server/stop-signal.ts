const INTERRUPTED = 130;

/** Resolves at the first Ctrl-C or SIGTERM; the second one ends the process. */
export function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const signal of SIGNALS) {
        process.off(signal, stop);
        process.once(signal, () => process.exit(INTERRUPTED));
      }
      resolve();
    };
    for (const signal of SIGNALS) process.once(signal, stop);
  });
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;
