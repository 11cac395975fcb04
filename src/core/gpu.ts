import { GodwitError } from "./errors.ts";

/**
 * The accelerators that can be asked for: NVIDIA, AMD, Intel Gaudi, AWS Inferentia and Trainium, Google TPU.
 *
 * @example resources: { gpu: "A100-80GB:2" }
 */
export type GpuType =
  | (
      | "T4"
      | "V100"
      | "L4"
      | "L40S"
      | "A10"
      | "A10G"
      | "A100"
      | "A100-80GB"
      | "H100"
      | "H200"
      | "B200"
      | "GB10"
    )
  | "RTX-PRO-6000"
  | ("MI100" | "MI210" | "MI250" | "MI250X" | "MI300A" | "MI300X" | "MI325X" | "MI350X" | "MI355X")
  | ("Gaudi1" | "Inf1" | "Inf2" | "Trn1" | "Trn2" | "TPU-V5P" | "TPU-V6E");

/**
 * Accelerators of one type; `"any"` leaves the type to placement.
 *
 * @example const gpu: Gpu = { type: "L4", count: 1 };
 */
export interface Gpu {
  readonly type: GpuType | "any";
  readonly count: number;
}

/**
 * How a request for accelerators may be written: a count, a type, `"TYPE:count"` or both apart.
 *
 * @example const inputs: GpuInput[] = [1, "T4", "L4:2", { type: "A100-80GB", count: 4 }];
 */
export type GpuInput =
  | number
  | GpuType
  | `${GpuType}:${number}`
  // Other spellings are read as well; written this way, editors still suggest the known ones.
  | (string & {})
  | { readonly type: GpuType | "any"; readonly count?: number };

/**
 * Every name `GpuType` allows.
 *
 * @example GPU_TYPES.includes("L4") // true
 */
export const GPU_TYPES: readonly GpuType[] = [
  ...([
    "T4",
    "V100",
    "L4",
    "L40S",
    "A10",
    "A10G",
    "A100",
    "A100-80GB",
    "H100",
    "H200",
    "B200",
    "GB10",
  ] as const),
  "RTX-PRO-6000",
  ...(["MI100", "MI210", "MI250", "MI250X", "MI300A", "MI300X", "MI325X", "MI350X", "MI355X"] as const),
  ...(["Gaudi1", "Inf1", "Inf2", "Trn1", "Trn2", "TPU-V5P", "TPU-V6E"] as const),
];

const MAX_COUNT = 8;

/** Other spellings in use, in the form of `simplify`. */
const ALIASES: Readonly<Record<string, GpuType>> = {
  A10080G: "A100-80GB",
  A10040GB: "A100",
  A10040G: "A100",
  V5P: "TPU-V5P",
  V6E: "TPU-V6E",
  RTX6000PRO: "RTX-PRO-6000",
};

/**
 * Reads a request for accelerators. Case, spaces and dashes in a type do not matter. Throws `RESOURCE_INVALID`.
 *
 * @example parseGpu("rtx pro 6000") // { type: "RTX-PRO-6000", count: 1 }
 */
export function parseGpu(input: GpuInput): Gpu {
  if (typeof input === "number") return { type: "any", count: checkCount(input, input) };
  if (typeof input === "object" && input !== null && !Array.isArray(input)) {
    return { type: findType(input.type, input), count: checkCount(input.count ?? 1, input) };
  }
  if (typeof input !== "string") throw invalid(input, HINT);
  const [type = "", count] = input.split(":");
  if (input.split(":").length > 2) throw invalid(input, HINT);
  return { type: findType(type, input), count: checkCount(count === undefined ? 1 : toCount(count), input) };
}

/**
 * Whether accelerators `has` satisfy the request `needs`. A type with more memory of the same chip counts.
 *
 * @example satisfiesGpu({ type: "L4", count: 2 }, { type: "any", count: 1 }) // true
 */
export function satisfiesGpu(has: Gpu | undefined, needs: Gpu): boolean {
  if (!has || has.count < needs.count) return false;
  if (needs.type === "any" || needs.type === has.type) return true;
  return needs.type === "A100" && has.type === "A100-80GB";
}

function findType(type: unknown, input: unknown): GpuType | "any" {
  if (type === "any") return "any";
  const simple = typeof type === "string" ? simplify(type) : "";
  const found = GPU_TYPES.find((known) => simplify(known) === simple) ?? ALIASES[simple];
  if (found) return found;
  throw invalid(input, `Known types: ${GPU_TYPES.join(", ")}. A number alone means any type.`);
}

function simplify(type: string): string {
  return type.toUpperCase().replace(/[\s_-]/g, "");
}

function toCount(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

function checkCount(count: number, input: unknown): number {
  if (Number.isInteger(count) && count >= 1 && count <= MAX_COUNT) return count;
  throw invalid(input, `The count is a whole number from 1 to ${MAX_COUNT}; leave \`gpu\` out for none.`);
}

function invalid(input: unknown, hint: string): GodwitError {
  return new GodwitError("RESOURCE_INVALID", `gpu ${JSON.stringify(input) ?? String(input)} cannot be read`, {
    hint,
  });
}

const HINT = 'Write a count, a type or both: `1`, `"T4"`, `"L4:2"` or `{ type: "L4", count: 2 }`.';
