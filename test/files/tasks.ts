import { Dir, File, TaskEnvironment } from "../../src/index.ts";

const env = new TaskEnvironment({ name: "files" });

/** A text of its own in every chunk, without holding more than one. */
async function* numbers(bytes: number): AsyncGenerator<Uint8Array, void, void> {
  const chunk = new Float64Array(8 * 1024);
  for (let at = 0; at < bytes; at += chunk.byteLength) {
    chunk.fill(at);
    yield new Uint8Array(chunk.buffer.slice(0));
  }
}

export const produce = env.task(async function produce({ bytes }: { bytes: number }) {
  return File.fromStream(numbers(bytes), { name: "numbers.f64" });
});

export const consume = env.task(async function consume({ file }: { file: File }) {
  let bytes = 0;
  for await (const chunk of file.open()) bytes += chunk.byteLength;
  return { bytes, sha256: file.sha256 };
});

export const pass = env.task(async function pass({ bytes }: { bytes: number }) {
  return consume({ file: await produce({ bytes }) });
});

export const pack = env.task(async function pack({ folder }: { folder: string }) {
  return Dir.fromPath(folder);
});

export const unpack = env.task(async function unpack({ dir, to }: { dir: Dir; to: string }) {
  await dir.download(to);
  return dir.fileCount;
});

export const move = env.task(async function move({ from, to }: { from: string; to: string }) {
  const dir = await pack({ folder: from });
  await unpack({ dir, to });
  return { dir, note: await File.fromBytes(`${dir.fileCount} files`, { name: "note.txt" }) };
});
