import { formatBytes, parseBytes } from "./bytes.ts";
import { GodwitError } from "./errors.ts";
import { type Gpu, type GpuInput, parseGpu, satisfiesGpu } from "./gpu.ts";

/**
 * One amount, or what is asked for and how much may be used when it is there.
 *
 * @example const cpu: Amount<number> = [0.5, 2];
 */
export type Amount<Value> = Value | readonly [request: Value, limit: Value];

/**
 * Resources as a user writes them. Sizes are strings with a unit (`"512Mi"`, `"2Gi"`, `"1G"`) or bytes.
 *
 * @example const resources: ResourcesInput = { cpu: 2, memory: "4Gi", gpu: "L4:1", disk: "20Gi" };
 */
export interface ResourcesInput {
  /** Cores (`2`, `0.5`, `"2"`) or thousandths (`"500m"`). Default: 1. */
  readonly cpu?: Amount<number | string>;
  /** Default: 1 GiB. */
  readonly memory?: Amount<number | string>;
  readonly gpu?: GpuInput;
  /** Space for temporary files. */
  readonly disk?: number | string;
  /** Shared memory: a size, or `"auto"` for as much as the memory allows. */
  readonly shm?: number | string;
}

/**
 * Resources in one form, whatever way they were written.
 *
 * @example const resources: Resources = parseResources({ cpu: "500m" });
 */
export interface Resources {
  readonly cpuMilli: { readonly request: number; readonly limit: number };
  readonly memoryBytes: { readonly request: number; readonly limit: number };
  readonly gpu?: Gpu;
  readonly diskBytes?: number;
  readonly shmBytes?: number | "auto";
}

/**
 * What one machine or instance has.
 *
 * @example const shape: Shape = { cpuMilli: 4000, memoryBytes: 2 ** 34, gpu: { type: "L4", count: 1 } };
 */
export interface Shape {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly gpu?: Gpu;
  readonly diskBytes?: number;
}

const DEFAULT_CPU = 1;
const DEFAULT_MEMORY = "1Gi";
const MIN_SIZE_BYTES = 2 ** 20;
const KEYS = ["cpu", "memory", "gpu", "disk", "shm"];

/**
 * Reads and checks a request. Throws `RESOURCE_INVALID` with the value and what was probably meant.
 *
 * @example parseResources({ cpu: "500m", memory: "512Mi" }).cpuMilli.request // 500
 */
export function parseResources(input: ResourcesInput = {}): Resources {
  const unknown = Object.keys(input).find((key) => !KEYS.includes(key));
  if (unknown !== undefined) throw invalid(unknown, "is not a resource", `Resources are ${KEYS.join(", ")}.`);
  const cpuMilli = parseAmount("cpu", input.cpu ?? DEFAULT_CPU, parseCpu);
  const memoryBytes = parseAmount("memory", input.memory ?? DEFAULT_MEMORY, parseSize);
  const shmBytes = input.shm === undefined || input.shm === "auto" ? input.shm : parseSize("shm", input.shm);
  if (typeof shmBytes === "number" && shmBytes > memoryBytes.limit) {
    throw invalid(
      `shm ${quote(input.shm)}`,
      "is more than the memory",
      "Shared memory counts as memory: raise `memory`.",
    );
  }
  return {
    cpuMilli,
    memoryBytes,
    ...(input.gpu !== undefined && { gpu: parseGpu(input.gpu) }),
    ...(input.disk !== undefined && { diskBytes: parseSize("disk", input.disk) }),
    ...(shmBytes !== undefined && { shmBytes }),
  };
}

/**
 * Why a machine of this shape is too small, or `undefined` when the request fits.
 *
 * @example whyTooSmall(parseResources({ cpu: 8 }), shape) // "8 CPU asked for, 4 there"
 */
export function whyTooSmall(request: Resources, shape: Shape): string | undefined {
  const { cpuMilli, memoryBytes, gpu, diskBytes } = request;
  if (cpuMilli.request > shape.cpuMilli) {
    return `${cpuMilli.request / 1000} CPU asked for, ${shape.cpuMilli / 1000} there`;
  }
  if (memoryBytes.request > shape.memoryBytes) {
    return `${formatBytes(memoryBytes.request)} memory asked for, ${formatBytes(shape.memoryBytes)} there`;
  }
  if (gpu && !satisfiesGpu(shape.gpu, gpu)) {
    return `GPU ${formatGpu(gpu)} asked for, ${shape.gpu ? formatGpu(shape.gpu) : "none"} there`;
  }
  if (diskBytes !== undefined && diskBytes > (shape.diskBytes ?? 0)) {
    return `${formatBytes(diskBytes)} disk asked for, ${formatBytes(shape.diskBytes ?? 0)} there`;
  }
  return undefined;
}

/**
 * Whether a machine of this shape can take the request. Limits do not count: they are used when there is room.
 *
 * @example fitsInto(parseResources({ cpu: 1 }), { cpuMilli: 2000, memoryBytes: 2 ** 32 }) // true
 */
export function fitsInto(request: Resources, shape: Shape): boolean {
  return whyTooSmall(request, shape) === undefined;
}

/**
 * Orders requests from small to large: by GPUs, memory, CPU, disk and shared memory. 0 only for equal requests.
 *
 * @example requests.sort(compareResources)
 */
export function compareResources(a: Resources, b: Resources): number {
  const left = sortKey(a);
  const right = sortKey(b);
  const at = left.findIndex((part, i) => part !== right[i]);
  if (at < 0) return 0;
  return left[at]! < right[at]! ? -1 : 1;
}

/**
 * A request for people.
 *
 * @example formatResources(parseResources({ cpu: 2, gpu: "L4" })) // "2 CPU, 1 GiB memory, 1×L4"
 */
export function formatResources(resources: Resources): string {
  const { cpuMilli, memoryBytes, gpu, diskBytes, shmBytes } = resources;
  const parts = [
    `${formatRange(cpuMilli, (milli) => String(milli / 1000))} CPU`,
    `${formatRange(memoryBytes, formatBytes)} memory`,
  ];
  if (gpu) parts.push(formatGpu(gpu));
  if (diskBytes !== undefined) parts.push(`${formatBytes(diskBytes)} disk`);
  if (shmBytes !== undefined) parts.push(`${shmBytes === "auto" ? "auto" : formatBytes(shmBytes)} shm`);
  return parts.join(", ");
}

function formatRange(range: Resources["cpuMilli"], format: (amount: number) => string): string {
  const { request, limit } = range;
  return request === limit ? format(request) : `${format(request)}–${format(limit)}`;
}

function formatGpu(gpu: Gpu): string {
  return gpu.type === "any" ? `${gpu.count} GPU` : `${gpu.count}×${gpu.type}`;
}

function sortKey({ gpu, memoryBytes, cpuMilli, diskBytes, shmBytes }: Resources): (number | string)[] {
  const shm = shmBytes === "auto" ? Number.POSITIVE_INFINITY : (shmBytes ?? -1);
  const amounts = [
    memoryBytes.request,
    cpuMilli.request,
    diskBytes ?? -1,
    shm,
    memoryBytes.limit,
    cpuMilli.limit,
  ];
  return [gpu?.count ?? 0, ...amounts, gpu?.type ?? ""];
}

type ParseOne = (what: string, input: number | string) => number;

function parseAmount(what: string, input: Amount<number | string>, parse: ParseOne): Resources["cpuMilli"] {
  if (!Array.isArray(input)) {
    const amount = parse(what, input as number | string);
    return { request: amount, limit: amount };
  }
  const [request, limit] = input;
  if (input.length !== 2)
    throw invalid(`${what} ${quote(input)}`, "cannot be read", "Write `[request, limit]`.");
  const range = { request: parse(what, request), limit: parse(what, limit) };
  if (range.request <= range.limit) return range;
  throw invalid(`${what} ${quote(input)}`, "asks for more than its limit", "Write the smaller amount first.");
}

function parseCpu(what: string, input: number | string): number {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(String(input));
  const cores = match ? Number(match[1]) : Number.NaN;
  // Rounded before it is rounded up: 0.57 * 1000 is a little more than 570.
  const milli = Math.ceil(Number((match?.[2] === "m" ? cores : cores * 1000).toFixed(6)));
  if (milli > 0 && milli <= MAX_CPU_MILLI) return milli;
  throw invalid(
    `${what} ${quote(input)}`,
    "cannot be read",
    'Write cores (`2`, `0.5`) or thousandths (`"500m"`).',
  );
}

function parseSize(what: string, input: number | string): number {
  const bytes = parseBytes(String(input));
  if (bytes !== undefined && bytes >= MIN_SIZE_BYTES) return bytes;
  throw invalid(
    `${what} ${quote(input)}`,
    bytes === undefined ? "cannot be read" : "is too small",
    suggestSize(input),
  );
}

/** Most wrong sizes are right ones in another convention: `512mb`, `512m`, `2 GB`, or a bare 512. */
function suggestSize(input: unknown): string {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*$/i.exec(String(input));
  if (!match) return 'Write a size such as "512Mi" (binary) or "1G" (decimal).';
  const [, amount, letter, binary] = match;
  const unit = (letter || "M").toUpperCase();
  if (binary || !letter) return `Did you mean "${amount}${unit}i"?`;
  return `Did you mean "${amount}${unit}i" (binary) or "${amount}${unit}" (decimal)?`;
}

const MAX_CPU_MILLI = 1_000_000;

function quote(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function invalid(what: string, problem: string, hint: string): GodwitError {
  return new GodwitError("RESOURCE_INVALID", `${what} ${problem}`, { hint });
}
