import { Socket } from "node:net";

/** Makes a test that reaches for the network fail at once instead of passing on some machines only. */
const connect = Socket.prototype.connect;

Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  const host = hostOf(args);
  if (host !== undefined && !isLoopback(host)) {
    const error = new Error(`A test tried to reach "${host}"; tests may only use this machine`);
    process.nextTick(() => this.destroy(error));
    return this;
  }
  return Reflect.apply(connect, this, args) as Socket;
} as typeof connect;

/** Node calls `connect` as (port, host?), (path), (options) or ([options, callback]). */
function hostOf(args: unknown[]): string | undefined {
  const first: unknown = Array.isArray(args[0]) ? args[0][0] : args[0];
  if (typeof first === "number") return typeof args[1] === "string" ? args[1] : undefined;
  if (typeof first !== "object" || first === null || "path" in first) return undefined;
  return "host" in first && typeof first.host === "string" ? first.host : undefined;
}

function isLoopback(host: string): boolean {
  return (
    host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127\.|^0\.0\.0\.0$/.test(host)
  );
}
