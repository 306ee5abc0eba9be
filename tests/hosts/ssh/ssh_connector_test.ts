import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { HostError } from "../../../src/errors/host_error.ts";
import { PendingConnections } from "../../../src/hosts/pending_connections.ts";
import type { PoolServices } from "../../../src/hosts/pool_services.ts";
import { RemoteHost } from "../../../src/hosts/remote/remote_host.ts";
import { SshConnector } from "../../../src/hosts/ssh/ssh_connector.ts";
import { parseHosts } from "../../../src/options/host_spec.ts";
import { KeepAlive } from "../../../src/util/keep_alive.ts";

/** Makes an ssh host whose program a given function makes. */
function makeHost(program: PoolServices["program"]): RemoteHost {
  const [settings] = parseHosts("ssh://maxi/1");
  const services: PoolServices = {
    pendingConnections: new PendingConnections(),
    reaper: undefined,
    openSocket: () =>
      Promise.resolve({
        folder: "/no/such/folder",
        address: { transport: "unix", path: "/no/such/folder/pool.sock" },
      }),
    listen: (address) => Promise.resolve(address),
    admit: () => {},
    certificate: () => Promise.resolve(""),
    program,
    agentProgram: program,
    heartbeatTimeout: Infinity,
    onOutput: () => {},
    report: () => {},
  };
  const request = { grants: {}, denoArgs: [], env: {} };
  const connector = new SshConnector(settings!, request, services);
  return new RemoteHost(settings!, connector, services);
}

Deno.test("SshConnector rejects with the bundler's error when the program can't be made", async () => {
  const cause = new TypeError("no esbuild");
  const host = makeHost(() => Promise.reject(cause));
  const error = await assertRejects(() => host.open(60_000));
  assertStrictEquals(error, cause);
  await host.close();
});

Deno.test("SshConnector explains that the program wasn't made in time, and cancels the bundler", async () => {
  // Timeouts don't keep the program alive by themselves.
  const keepAlive = new KeepAlive();
  keepAlive.hold();
  const signals: AbortSignal[] = [];
  const host = makeHost((signal) => {
    signals.push(signal);
    return new Promise((_, reject) =>
      signal.addEventListener("abort", () => reject(signal.reason))
    );
  });
  const error = await assertRejects(
    () => host.open(20),
    HostError,
    "could not be made within the 'startTimeout' of 20 ms",
  );
  assertEquals([error.host, error.step], ["maxi", "connection"]);
  await host.close();
  assertEquals(signals.map(({ aborted }) => aborted), [true]);
  keepAlive.close();
});
