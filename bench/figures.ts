import { readFileSync } from "node:fs";

/** Median and 99th percentile of samples in milliseconds. */
export function percentiles(samples: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50Ms: round(at(0.5)), p99Ms: round(at(0.99)) };
}

export function round(value: number, digits = 3): number {
  return Number(value.toPrecision(Math.max(digits, 1)));
}

/** Watches the memory of this process and its runners; gives the largest sum that was seen. */
export function watchMemory(pids: () => readonly number[]): () => number {
  let peakMb = 0;
  const look = (): void => {
    const mb = process.memoryUsage.rss() / 2 ** 20 + pids().reduce((sum, pid) => sum + rssMb(pid), 0);
    peakMb = Math.max(peakMb, mb);
  };
  const timer = setInterval(look, 100);
  return () => {
    look();
    clearInterval(timer);
    return Math.round(peakMb);
  };
}

/** Resident memory of another process where the system tells it, else 0. */
function rssMb(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
