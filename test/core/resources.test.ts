import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatBytes, parseBytes } from "../../src/core/bytes.ts";
import { GPU_TYPES } from "../../src/core/gpu.ts";
import {
  compareResources,
  fitsInto,
  formatResources,
  parseResources,
  type Resources,
  type ResourcesInput,
  whyTooSmall,
} from "../../src/core/resources.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const both = (amount: number) => ({ request: amount, limit: amount });

describe("reading resources", () => {
  it("fills in one core and 1 GiB", () => {
    expect(parseResources()).toStrictEqual({ cpuMilli: both(1000), memoryBytes: both(GiB) });
  });

  it.each<[ResourcesInput["cpu"], { request: number; limit: number }]>([
    [2, both(2000)],
    [0.5, both(500)],
    [0.57, both(570)],
    [0.0001, both(1)],
    ["2", both(2000)],
    ["1.5", both(1500)],
    ["500m", both(500)],
    [["500m", 2], { request: 500, limit: 2000 }],
  ])("cpu %o", (cpu, expected) => {
    expect(parseResources({ cpu: cpu! }).cpuMilli).toStrictEqual(expected);
  });

  it.each<[ResourcesInput["memory"], { request: number; limit: number }]>([
    ["512Mi", both(512 * MiB)],
    ["2Gi", both(2 * GiB)],
    ["1G", both(1e9)],
    ["1.1G", both(1.1e9)],
    ["1.5Gi", both(1.5 * GiB)],
    ["1Ti", both(2 ** 40)],
    ["2000000K", both(2e9)],
    [512 * MiB, both(512 * MiB)],
    [["1Gi", "2Gi"], { request: GiB, limit: 2 * GiB }],
  ])("memory %o", (memory, expected) => {
    expect(parseResources({ memory: memory! }).memoryBytes).toStrictEqual(expected);
  });

  it.each<[ResourcesInput["gpu"], Resources["gpu"]]>([
    [1, { type: "any", count: 1 }],
    ["T4", { type: "T4", count: 1 }],
    ["L4:2", { type: "L4", count: 2 }],
    ["l40s", { type: "L40S", count: 1 }],
    ["A100 80G", { type: "A100-80GB", count: 1 }],
    ["rtx pro 6000:8", { type: "RTX-PRO-6000", count: 8 }],
    ["V6E", { type: "TPU-V6E", count: 1 }],
    [
      { type: "H100", count: 8 },
      { type: "H100", count: 8 },
    ],
    [{ type: "any" }, { type: "any", count: 1 }],
  ])("gpu %o", (gpu, expected) => {
    expect(parseResources({ gpu: gpu! }).gpu).toStrictEqual(expected);
  });

  it("disk and shared memory", () => {
    expect(parseResources({ disk: "20Gi", shm: "auto" })).toMatchObject({
      diskBytes: 20 * GiB,
      shmBytes: "auto",
    });
    expect(parseResources({ shm: "64Mi" }).shmBytes).toBe(64 * MiB);
  });

  it.each(GPU_TYPES)("knows %s with a count", (type) => {
    expect(parseResources({ gpu: `${type}:2` }).gpu).toStrictEqual({ type, count: 2 });
  });

  it.each<[unknown, string, string]>([
    [{ memory: "512mb" }, 'memory "512mb"', '"512Mi" (binary) or "512M" (decimal)'],
    [{ memory: "512m" }, 'memory "512m"', '"512Mi" (binary) or "512M" (decimal)'],
    [{ memory: "2 GB" }, 'memory "2 GB"', '"2Gi" (binary) or "2G" (decimal)'],
    [{ memory: "2gib" }, 'memory "2gib"', 'Did you mean "2Gi"?'],
    [{ memory: 512 }, "memory 512", 'Did you mean "512Mi"?'],
    [{ memory: "512" }, 'memory "512"', 'Did you mean "512Mi"?'],
    [{ memory: "" }, 'memory ""', "Write a size"],
    [{ memory: "lots" }, 'memory "lots"', "Write a size"],
    [{ memory: -1 }, "memory -1", "Write a size"],
    [{ memory: Number.NaN }, "memory null", "Write a size"],
    [{ memory: ["2Gi", "1Gi"] }, 'memory ["2Gi","1Gi"]', "smaller amount first"],
    [{ memory: ["2Gi"] }, 'memory ["2Gi"]', "[request, limit]"],
    [{ memory: {} }, "memory {}", "Write a size"],
    [{ disk: "10gigs" }, 'disk "10gigs"', "Write a size"],
    [{ shm: "2Gi" }, 'shm "2Gi"', "raise `memory`"],
    [{ cpu: 0 }, "cpu 0", "Write cores"],
    [{ cpu: -1 }, "cpu -1", "Write cores"],
    [{ cpu: "2 cores" }, 'cpu "2 cores"', "Write cores"],
    [{ cpu: Number.POSITIVE_INFINITY }, "cpu null", "Write cores"],
    [{ cpu: [2, 1] }, "cpu [2,1]", "smaller amount first"],
    [{ gpu: "L5" }, 'gpu "L5"', "Known types: T4, V100, L4"],
    [{ gpu: "L4:0" }, 'gpu "L4:0"', "1 to 8"],
    [{ gpu: "L4:x" }, 'gpu "L4:x"', "1 to 8"],
    [{ gpu: "L4:1:2" }, 'gpu "L4:1:2"', "Write a count"],
    [{ gpu: 0 }, "gpu 0", "leave `gpu` out"],
    [{ gpu: 1.5 }, "gpu 1.5", "1 to 8"],
    [{ gpu: { type: "L4", count: 9 } }, 'gpu {"type":"L4","count":9}', "1 to 8"],
    [{ gpu: null }, "gpu null", "Write a count"],
    [{ mem: "1Gi" }, "mem is not a resource", "cpu, memory, gpu, disk, shm"],
  ])("refuses %o, quotes it and says what to write", (input, quoted, hint) => {
    try {
      parseResources(input as ResourcesInput);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "RESOURCE_INVALID" });
      expect((error as Error).message).toContain(quoted);
      expect((error as { hint: string }).hint).toContain(hint);
    }
  });
});

const input: fc.Arbitrary<ResourcesInput> = fc.record(
  {
    cpu: fc.integer({ min: 1, max: 64 }),
    memory: fc.integer({ min: 1, max: 512 }).map((mib) => `${mib}Mi`),
    gpu: fc
      .tuple(fc.constantFrom(...GPU_TYPES), fc.integer({ min: 1, max: 8 }))
      .map(([type, count]) => ({ type, count })),
    disk: fc.integer({ min: 1, max: 99 }).map((gib) => `${gib}Gi`),
    shm: fc.constantFrom("auto", "1Mi"),
  },
  { requiredKeys: [] },
);
const resources = input.map(parseResources);

describe("fitting resources into a shape", () => {
  const shape = {
    cpuMilli: 4000,
    memoryBytes: 16 * GiB,
    gpu: { type: "L4" as const, count: 1 },
    diskBytes: 20 * GiB,
  };

  it.each<[ResourcesInput, string | undefined]>([
    [{}, undefined],
    [{ cpu: 4, memory: "16Gi", gpu: "L4", disk: "20Gi" }, undefined],
    [{ cpu: [1, 64], memory: ["1Gi", "64Gi"] }, undefined],
    [{ gpu: 1 }, undefined],
    [{ cpu: 8 }, "8 CPU asked for, 4 there"],
    [{ memory: "32Gi" }, "32 GiB memory asked for, 16 GiB there"],
    [{ gpu: "T4" }, "GPU 1×T4 asked for, 1×L4 there"],
    [{ gpu: 2 }, "GPU 2 GPU asked for, 1×L4 there"],
    [{ disk: "21Gi" }, "21 GiB disk asked for, 20 GiB there"],
  ])("%o", (request, reason) => {
    expect(whyTooSmall(parseResources(request), shape)).toBe(reason);
    expect(fitsInto(parseResources(request), shape)).toBe(reason === undefined);
  });

  it("takes a GPU with more memory of the same chip, not the other way round", () => {
    const on = (type: "A100" | "A100-80GB") => ({
      cpuMilli: 9000,
      memoryBytes: 16 * GiB,
      gpu: { type, count: 1 },
    });
    expect(fitsInto(parseResources({ gpu: "A100" }), on("A100-80GB"))).toBe(true);
    expect(fitsInto(parseResources({ gpu: "A100-80GB" }), on("A100"))).toBe(false);
    expect(whyTooSmall(parseResources({ gpu: 1 }), { cpuMilli: 9000, memoryBytes: 16 * GiB })).toMatch(
      /none there/,
    );
  });

  it("always takes a request into its own size", () => {
    fc.assert(
      fc.property(resources, (request) => {
        const { cpuMilli, memoryBytes, ...rest } = request;
        expect(fitsInto(request, { cpuMilli: cpuMilli.limit, memoryBytes: memoryBytes.limit, ...rest })).toBe(
          true,
        );
      }),
    );
  });
});

describe("comparing resources", () => {
  it("is a total order in which only equal requests are equal", () => {
    fc.assert(
      fc.property(resources, resources, resources, (a, b, c) => {
        expect(compareResources(a, b)).toBe(0 - compareResources(b, a));
        expect(compareResources(a, b) === 0).toBe(JSON.stringify(a) === JSON.stringify(b));
        const [x, y, z] = [a, b, c].sort(compareResources) as [Resources, Resources, Resources];
        expect(compareResources(x, z)).toBeLessThanOrEqual(0);
        expect(compareResources(x, y)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it("puts GPUs before memory before cores", () => {
    const sorted = [{ gpu: 1 }, { memory: "2Gi" }, { cpu: 8 }, {}].map(parseResources).sort(compareResources);
    expect(sorted).toStrictEqual([{}, { cpu: 8 }, { memory: "2Gi" }, { gpu: 1 }].map(parseResources));
  });
});

describe("showing resources", () => {
  it.each<[ResourcesInput, string]>([
    [{}, "1 CPU, 1 GiB memory"],
    [{ cpu: ["500m", 1], memory: ["512Mi", "1Gi"] }, "0.5–1 CPU, 512 MiB–1 GiB memory"],
    [{ gpu: "L4:2", disk: "20Gi", shm: "auto" }, "1 CPU, 1 GiB memory, 2×L4, 20 GiB disk, auto shm"],
    [{ gpu: 1, shm: "64Mi" }, "1 CPU, 1 GiB memory, 1 GPU, 64 MiB shm"],
  ])("%o as %s", (request, text) => {
    expect(formatResources(parseResources(request))).toBe(text);
  });

  it("sizes in the largest unit that fits", () => {
    expect([0, 1, 1023, 1024, 1536, 10 * MiB, 2 ** 50].map(formatBytes)).toStrictEqual([
      "0 B",
      "1 B",
      "1023 B",
      "1 KiB",
      "1.5 KiB",
      "10 MiB",
      "1024 TiB",
    ]);
    expect(parseBytes("1e3")).toBeUndefined();
    expect(parseBytes("9".repeat(30))).toBeUndefined();
  });
});
