/** Everything that `from` leads to over any number of steps, itself included, in order of name. */
export function reachedFrom(from: string, next: (name: string) => readonly string[]): string[] {
  const reached = new Set<string>();
  for (const queue = [from]; queue.length > 0; ) {
    const name = queue.pop() ?? "";
    if (reached.has(name)) continue;
    reached.add(name);
    queue.push(...next(name));
  }
  return [...reached].sort();
}
