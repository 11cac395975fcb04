import { spawnSync } from "node:child_process";

/** Where the machines of a test are, and how a process is started on one of them. */
export interface Network {
  /** Whether each machine is in a network namespace of its own. */
  readonly isApart: boolean;
  /** Address at which all machines reach the services. */
  readonly hub: string;
  /** Address at which the services listen. */
  readonly listen: string;
  /** What a command on a machine begins with. */
  prefix(machine: string): readonly string[];
  /** Address of a machine. */
  addressOf(machine: string): string;
  remove(): void;
}

const HUB = "10.213.0.1";

/**
 * Machines that reach the hub and nothing else, as network namespaces; without the right to make those (or off Linux),
 * plain processes of this machine.
 */
export function openNetwork(machines: readonly string[]): Network {
  return namespaces(machines) ?? plain();
}

function plain(): Network {
  const address = "127.0.0.1";
  return {
    isApart: false,
    hub: address,
    listen: address,
    prefix: () => [],
    addressOf: () => address,
    remove: () => undefined,
  };
}

function namespaces(machines: readonly string[]): Network | undefined {
  const nameOf = (machine: string): string => `godwit-${process.pid}-${machine}`;
  const all = ["hub", ...machines].map(nameOf);
  const remove = (): void => {
    for (const name of all) ip(["netns", "delete", name]);
  };
  const addressOf = (machine: string): string => `10.213.${machines.indexOf(machine) + 1}.2`;
  const isMade = [
    ...all.flatMap((name) => [
      ["netns", "add", name],
      ["-n", name, "link", "set", "lo", "up"],
    ]),
    ["-n", nameOf("hub"), "address", "add", `${HUB}/32`, "dev", "lo"],
    // The hub takes part in every link and passes nothing on.
    ["netns", "exec", nameOf("hub"), "sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward"],
    ...machines.flatMap((machine, at) => link({ hub: nameOf("hub"), machine: nameOf(machine), at: at + 1 })),
  ].every(ip);
  if (!isMade) {
    remove();
    return undefined;
  }
  return {
    isApart: true,
    hub: HUB,
    listen: "0.0.0.0",
    prefix: (machine) => ["ip", "netns", "exec", nameOf(machine)],
    addressOf,
    remove,
  };
}

function link(of: { readonly hub: string; readonly machine: string; readonly at: number }): string[][] {
  const { hub, machine, at } = of;
  const [here, there] = [`10.213.${at}.1`, `10.213.${at}.2`];
  return [
    ["link", "add", "up0", "netns", machine, "type", "veth", "peer", "name", `down${at}`, "netns", hub],
    ["-n", machine, "address", "add", `${there}/30`, "dev", "up0"],
    ["-n", machine, "link", "set", "up0", "up"],
    ["-n", hub, "address", "add", `${here}/30`, "dev", `down${at}`],
    ["-n", hub, "link", "set", `down${at}`, "up"],
    ["-n", machine, "route", "add", `${HUB}/32`, "via", here],
  ];
}

function ip(args: readonly string[]): boolean {
  return spawnSync("ip", args, { stdio: "ignore" }).status === 0;
}
