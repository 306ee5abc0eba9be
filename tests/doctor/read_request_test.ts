import { assertEquals, assertRejects } from "@std/assert";
import { readRequest } from "../../src/doctor/read_request.ts";

Deno.test("readRequest() returns the hosts in their order", async () => {
  assertEquals(await readRequest(["ssh://maxi/8", "mini/2", "--", "4"]), {
    hosts: [{ host: "ssh://maxi/8" }, { host: "mini/2" }, { host: "4" }],
    options: { timeout: 30_000, listen: {} },
    json: false,
  });
});

Deno.test("readRequest() applies the options for ssh to ssh hosts only", async () => {
  const request = await readRequest([
    "--identity=key",
    "ssh://maxi",
    "--ssh-arg=-v",
    "--ssh-arg=-oUser=me",
    "--deno=/opt/deno",
    "mini",
    "--tmpdir=/var/tmp",
    "--json",
  ]);
  assertEquals(request?.hosts, [{
    host: "ssh://maxi",
    identity: "key",
    sshArgs: ["-v", "-oUser=me"],
    deno: "/opt/deno",
    tmpdir: "/var/tmp",
  }, { host: "mini" }]);
  assertEquals(request?.json, true);
});

Deno.test("readRequest() reads the files for spawner servers", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "content\n");
    const request = await readRequest([
      `--token-file=${path}`,
      `--ca-cert=${path}`,
      "--tls-name=server",
      "--listen-hostname=192.0.2.1",
      "--listen-port=9000",
      "--timeout=2.5",
      "mini",
      "ssh://maxi",
    ]);
    assertEquals(request?.hosts, [{
      host: "mini",
      token: "content",
      tls: { caCerts: ["content\n"], serverName: "server" },
    }, { host: "ssh://maxi" }]);
    assertEquals(request?.options, {
      timeout: 2_500,
      listen: { hostname: "192.0.2.1", port: 9_000 },
    });
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("readRequest() accepts --tls without further options", async () => {
  const request = await readRequest(["mini", "--tls"]);
  assertEquals(request?.hosts, [{ host: "mini", tls: {} }]);
});

Deno.test("readRequest() takes hosts as JSON, and clusters without workers", async () => {
  const launch = { launch: ["sh", "-c", "exec {command}"], workers: 1 };
  const request = await readRequest([
    "slurm://short",
    "slurm://short/64",
    '{"host": "sge://all.q", "project": "biology"}',
    '{"host": "ssh://maxi/2", "deno": "/opt/deno"}',
    JSON.stringify(launch),
    "--listen-port=9000",
  ]);
  assertEquals(request?.hosts, [
    { host: "slurm://short", workers: 1 },
    { host: "slurm://short/64" },
    { host: "sge://all.q", project: "biology", workers: 1 },
    { host: "ssh://maxi/2", deno: "/opt/deno" },
    launch,
  ]);
});

Deno.test("readRequest() returns undefined with --help", async () => {
  assertEquals(await readRequest(["--help"]), undefined);
});

for (
  const [expected, ...args] of [
    ["No host"],
    ["No host", "--json"],
    ["no option '--fast'", "mini", "--fast"],
    ["no option '-v'", "mini", "--ssh-arg", "-v"],
    ["scheme", "http://mini"],
    ["username", "me@mini"],
    ["number of workers", "mini/two"],
    ["'tmpdir'", "ssh://maxi", "--tmpdir=here"],
    ["--ssh-arg=-", "ssh://maxi", "--ssh-arg"],
    ["--identity is for ssh", "mini", "--identity=key"],
    ["--token-file is for spawner", "ssh://maxi", "--token-file=token"],
    ["--tls is for spawner", "ssh://maxi", "--tls"],
    ["--token-file /no/file can't", "mini", "--token-file=/no/file"],
    ["--ca-cert /no/file can't", "mini", "--ca-cert=/no/file"],
    ["isn't JSON", "{mini}"],
    ["'projct'", '{"host": "sge://all.q", "projct": "biology"}'],
    ["--listen-port is for", "ssh://maxi", "--listen-port=9000"],
    ["--timeout must", "mini", "--timeout=0"],
    ["--timeout must", "mini", "--timeout=soon"],
    ["--listen-port must", "mini", "--listen-port=65536"],
  ] as const
) {
  Deno.test(`readRequest() rejects ${JSON.stringify(args)}`, async () => {
    await assertRejects(() => readRequest([...args]), Error, expected);
  });
}
