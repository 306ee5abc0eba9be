import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertStringIncludes,
} from "@std/assert";
import { startDelayingRelay } from "./delaying_relay.ts";
import { makeNetwork, type NetworkHost, networkTest } from "./network.ts";
import { exists, until } from "./processes.ts";
import { type SshServer, startSshServer } from "./ssh_server.ts";

/** How long an expected event may take, in milliseconds. */
const TIMEOUT = 30_000;

/** Runs a command on the server; fails after a number of seconds. */
async function ssh(
  from: NetworkHost,
  server: SshServer,
  command: string,
  seconds = TIMEOUT / 1000,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const args = [...server.sshArgs, "-o", `ConnectTimeout=${seconds}`];
  const [program, all] = from.command("ssh", [
    ...args,
    server.destination,
    command,
  ]);
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args: all,
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** Whether an interface or a namespace has this name. */
function isUsed(name: string): boolean {
  return exists(`/sys/class/net/${name}`) || exists(`/run/netns/${name}`);
}

function kill(child: Deno.ChildProcess): void {
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** Accepts connections until it is closed, and echoes their data. */
function startEcho(hostname: string): Deno.TcpListener {
  const listener = Deno.listen({ hostname, port: 0 });
  (async () => {
    for await (const connection of listener) {
      connection.readable.pipeTo(connection.writable).catch(() => {});
    }
  })();
  return listener;
}

/** Sends data, and reads as many bytes. */
async function echo(
  connection: Deno.TcpConn,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const written = (async () => {
    for (let at = 0; at < bytes.length;) {
      at += await connection.write(bytes.subarray(at));
    }
  })();
  const answer = new Uint8Array(bytes.length);
  for (let at = 0; at < answer.length;) {
    const size = await connection.read(answer.subarray(at));
    if (size === null) throw new Error("The connection has ended");
    at += size;
  }
  await written;
  return answer;
}

networkTest(
  "Network connects hosts and the pool in both directions",
  async () => {
    await using network = await makeNetwork(2);
    const { pool, hosts } = network;
    const addresses = [pool, ...hosts].map(({ address }) => address);
    assertEquals(new Set(addresses).size, 3);
    await using atPool = await startSshServer(pool);
    for (const host of hosts) {
      await using atHost = await startSshServer(host);
      for (
        const [from, to, server] of [
          [pool, host, atHost],
          [host, pool, atPool],
        ] as const
      ) {
        const { stdout, stderr } = await ssh(
          from,
          server,
          "echo $SSH_CONNECTION",
        );
        const [client, , address, port] = stdout.trim().split(" ");
        assertEquals(
          [client, address, port],
          [from.address, to.address, String(server.port)],
          stderr + server.logs(),
        );
      }
    }
  },
  { sshd: true },
);

networkTest(
  "Network.cut() makes connections hang, and restore() lets them continue",
  async () => {
    await using network = await makeNetwork(2);
    const { pool, hosts: [host, other] } = network;
    await using atPool = await startSshServer(pool);
    await using atHost = await startSshServer(host!);
    await using atOther = await startSshServer(other!);
    const { address: hostname, port } = atHost;
    using connection = await Deno.connect({ hostname, port });
    const buffer = new Uint8Array(4096);
    // The server sends its version first, and the rest after the client's.
    assert(await connection.read(buffer));

    await network.cut(host!);
    await connection.write(new TextEncoder().encode("SSH-2.0-test\r\n"));
    let hasAnswered = false;
    const answer = connection.read(buffer).finally(() => hasAnswered = true);
    const failures = [
      ssh(pool, atHost, "true", 1),
      ssh(host!, atPool, "true", 1),
    ];
    for (const { code, stderr } of await Promise.all(failures)) {
      assertEquals(code, 255);
      assertStringIncludes(stderr, "Connection timed out");
    }
    assert(!hasAnswered);
    const spared = await ssh(pool, atOther, "true");
    assertEquals(spared.code, 0, spared.stderr);

    await network.restore(host!);
    assert(await answer);
    const restored = await ssh(pool, atHost, "true");
    assertEquals(restored.code, 0, restored.stderr);
  },
  { sshd: true },
);

networkTest(
  "Network.delay() delays both directions, or returns that it can't",
  async () => {
    await using network = await makeNetwork(1);
    const host = network.hosts[0]!;
    await using server = await startSshServer(host);
    const canDelay = await network.delay(host, 50);
    const start = performance.now();
    const { address: hostname, port } = server;
    using _ = await Deno.connect({ hostname, port });
    // The clocks of the kernel and of Deno may differ a little.
    if (canDelay) assertGreater(performance.now() - start, 95);
  },
  { sshd: true },
);

networkTest("Network leaves nothing when its process is killed", async () => {
  const module = import.meta.resolve("./network.ts");
  const program = `
    import { makeNetwork } from ${JSON.stringify(module)};
    const network = await makeNetwork(1);
    const [host] = network.hosts;
    const [command, args] = host.command("sh", ["-c", "echo $$; exec sleep 1000"]);
    const { stdout } = new Deno.Command(command, { args, stdout: "piped" }).spawn();
    const { value } = await stdout.getReader().read();
    const pid = Number(new TextDecoder().decode(value));
    console.log(JSON.stringify({ pid, name: host.namespace }));
    await new Promise((resolve) => setInterval(resolve, 2 ** 31 - 1));`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stdout: "piped",
  }).spawn();
  const stdout = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let report = "";
  try {
    while (!report.endsWith("\n")) {
      const { done, value } = await stdout.read();
      if (done) break;
      report += value;
    }
    const { pid, name } = JSON.parse(report);
    const names = [name, name.replace(/-\d+$/, "")];
    assert(names.every(isUsed));
    assert(exists(`/proc/${pid}/exe`));
    child.kill("SIGKILL");
    await child.status;
    await until(() => !names.some(isUsed));
    await until(() => !exists(`/proc/${pid}/exe`));
  } finally {
    kill(child);
    await stdout.cancel();
    await child.status;
  }
});

networkTest(
  "Network removes the networks of processes that have ended",
  async () => {
    const { pid, status } = new Deno.Command("true").spawn();
    await status;
    const names = [`dxt${pid}-0-0`, `dxt${pid}-0`];
    const commands = [
      ["link", "add", names[1]!, "type", "bridge"],
      ["netns", "add", names[0]!],
    ];
    for (const args of commands) {
      assert((await new Deno.Command("ip", { args }).output()).success);
    }
    await using _ = await makeNetwork(0);
    assert(!names.some(isUsed));
  },
);

Deno.test("DelayingRelay delays both directions, and loses nothing", async () => {
  const ms = 25;
  using listener = startEcho("127.0.0.1");
  await using relay = startDelayingRelay(listener.addr, ms);
  using connection = await Deno.connect({ port: relay.port });
  for (let count = 0; count < 3; count++) {
    const start = performance.now();
    assertEquals(
      await echo(connection, Uint8Array.of(count)),
      Uint8Array.of(count),
    );
    assertGreaterOrEqual(performance.now() - start, 2 * ms);
  }
  const bytes = new Uint8Array(10_000_000).map((_, at) =>
    Math.imul(at, 2654435761) >>> 24
  );
  const echoed = await echo(connection, bytes);
  assert(echoed.every((byte, at) => byte === bytes[at]));
  await connection.closeWrite();
  assertEquals(await connection.read(new Uint8Array(1)), null);
});

Deno.test("DelayingRelay closes a connection when the target can't be reached", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  await using relay = startDelayingRelay(listener.addr, 0);
  using connection = await Deno.connect({ port: relay.port });
  assertEquals(await connection.read(new Uint8Array(1)), null);
});
