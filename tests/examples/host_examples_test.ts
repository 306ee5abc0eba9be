import { assertEquals, assertMatch } from "@std/assert";
import { linesOf } from "../helpers/examples.ts";
import { startSpawnerServer, TOKEN } from "../helpers/spawner_server.ts";
import {
  type SshServer,
  sshTest,
  startSshServer,
} from "../helpers/ssh_server.ts";

const SQUARES = Array.from({ length: 100 }, (_, n) => `${n * n}`);

/**
 * Writes an `ssh` that knows the server as `maxi`, as a user's configuration
 * would, and returns the environment in which programs find it.
 */
async function knowAsMaxi(
  server: SshServer,
): Promise<Record<string, string>> {
  const { folder, port, user, sshArgs: [, , ...args] } = server;
  const config = `${folder}/ssh_config`;
  const bin = `${folder}/bin`;
  const path = Deno.env.get("PATH") ?? "";
  await Deno.mkdir(bin);
  await Deno.writeTextFile(
    config,
    `Host maxi\n  HostName 127.0.0.1\n  Port ${port}\n  User ${user}\n`,
  );
  const words = ["-F", config, ...args].map((word) => `'${word}'`).join(" ");
  await Deno.writeTextFile(
    `${bin}/ssh`,
    `#!/bin/sh\nPATH='${path}'\nexec ssh ${words} "$@"\n`,
    { mode: 0o755 },
  );
  return { PATH: `${bin}:${path}` };
}

sshTest(
  "ssh example squares numbers on this machine and over ssh",
  async () => {
    await using server = await startSshServer();
    const env = await knowAsMaxi(server);
    const lines = await linesOf("ssh.ts", ["ssh://maxi/2"], env);
    assertEquals(lines.splice(100), ["local: 4 workers", "maxi: 2 workers"]);
    assertEquals(lines, SQUARES);
    assertMatch(server.logs(), /^Accepted publickey for /m);
  },
);

Deno.test("spawner server example squares numbers on a spawner server", async () => {
  await using server = await startSpawnerServer({ token: TOKEN });
  const env = { POOL_TOKEN: TOKEN };
  const lines = await linesOf("spawner_server.ts", [server.spec(2)], env);
  assertEquals(lines, SQUARES);
});

sshTest("hosts example counts the workers of all kinds of hosts", async () => {
  await using ssh = await startSshServer();
  await using spawner = await startSpawnerServer({ token: TOKEN });
  const env = { ...await knowAsMaxi(ssh), POOL_TOKEN: TOKEN };
  const hosts = [`ssh://${ssh.user}@maxi:${ssh.port}/2`, spawner.spec(2)];
  const lines = await linesOf("hosts.ts", hosts, env);
  assertEquals(lines.map((line) => line.replace(/: pids .*/, "")), [
    "local (local) has 4 workers",
    "maxi (ssh) has 2 workers",
    "127.0.0.1 (spawner) has 2 workers",
  ]);
  const pids = lines.flatMap((line) => line.match(/\d+(?=,|$)/g) ?? []);
  assertEquals(new Set(pids).size, 8);
});
