import { hostname } from "node:os";
import { registry } from "godwit";
import { httpTransport } from "../src/client/transport.ts";
import { Runner } from "../src/runner/runner.ts";
import "./tasks.ts";

/** A runner in a process of its own, as `godwit dev` starts them; its tasks are those of the benchmark. */
const [endpoint, token, id] = process.argv.slice(2);
if (endpoint === undefined || token === undefined || id === undefined)
  throw new Error("usage: endpoint token id");

const runner = new Runner({
  id,
  transport: httpTransport({ endpoint, token }),
  tasks: {
    find: async (_deployment, task) => {
      const found = registry.get(task);
      if (found === undefined) throw new Error(`no task ${task}`);
      return found;
    },
  },
  pools: ["*"],
  backend: "bench",
  host: hostname(),
  pid: process.pid,
});
runner.start();
process.on("disconnect", () => process.exit(0));
process.send?.("ready");
