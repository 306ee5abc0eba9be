import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { withFile } from "../helpers/files.ts";
import { makeCertificate } from "../../src/transport/certificate.ts";
import {
  runSpawnerServer,
  startSpawnerServer,
  TOKEN,
} from "../helpers/spawner_server.ts";

/** Checks that the program refuses arguments with a helpful line. */
async function assertRefused(
  args: readonly string[],
  ...words: string[]
): Promise<void> {
  const { code, stdout, stderr } = await runSpawnerServer(...args);
  assertEquals([code, stdout], [2, ""], stderr);
  assertMatch(stderr, /^server\.ts: [^\n]+$/);
  for (const word of words) assertStringIncludes(stderr, word);
}

Deno.test("runServer() prints its options with --help", async () => {
  const { code, stdout, stderr } = await runSpawnerServer("--help");
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "Usage: deno run -A jsr:@distex/pool/server [");
  for (
    const option of [
      "--host",
      "--port",
      "--token-file",
      "--max-workers",
      "--max-workers-per-pool",
      "--tls-cert",
      "--tls-key",
      "--help",
    ]
  ) assertMatch(stdout, new RegExp(`^  ${option} `, "m"));
});

Deno.test("runServer() refuses unknown options", async () => {
  await assertRefused(["--prot", "1"], "no option '--prot'", "--help");
  await assertRefused(["8899"], "no option '8899'", "--help");
});

Deno.test("runServer() refuses invalid numbers", async () => {
  for (const port of ["http", "-1", "65536", "1.5", ""]) {
    await assertRefused(
      [`--port=${port}`],
      "--port must be a whole number from 0 to 65535",
      `"${port}"`,
    );
  }
  for (const option of ["--max-workers", "--max-workers-per-pool"]) {
    await assertRefused(
      [option, "0"],
      `${option} must be a whole number of at least 1, but is "0"`,
    );
  }
});

Deno.test("runServer() refuses a token that can't be read or is too short", async () => {
  await assertRefused(
    ["--token-file", "/no/such/file"],
    "--token-file /no/such/file can't be read",
  );
  await withFile(" \n0123456789abcde\n", async (path) => {
    await assertRefused(
      ["--token-file", path],
      `The token in ${path} has 15 characters, but must have at least 16`,
      "openssl rand -hex 32",
    );
  });
});

Deno.test("runServer() refuses a certificate that is invalid or has no key", async () => {
  const { cert } = await makeCertificate();
  await withFile(cert, async (certPath) => {
    const both = "--tls-cert and --tls-key must be given together";
    await assertRefused(["--tls-cert", certPath], both);
    await assertRefused(["--tls-key", certPath], both);
    await assertRefused(
      ["--tls-cert", certPath, "--tls-key", "/no/such/file"],
      "--tls-key /no/such/file can't be read",
    );
    await assertRefused(
      ["--port", "0", "--tls-cert", certPath, "--tls-key", certPath],
      "Can't listen on 127.0.0.1:0",
      "key",
    );
  });
});

Deno.test("runServer() requires a token when other machines can reach it", async () => {
  for (const host of ["0.0.0.0", "::", "192.0.2.1"]) {
    await assertRefused(
      ["--port", "0", "--host", host],
      `--host ${host} can be reached from other machines`,
      "--token-file",
    );
  }
});

Deno.test("runServer() refuses a port that is in use", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  await assertRefused(
    ["--port", String(port)],
    `Can't listen on 127.0.0.1:${port}`,
    "give another --port",
  );
});

Deno.test("runServer() logs its address and its security", async () => {
  await using open = await startSpawnerServer();
  assertMatch(
    open.logs(),
    /^\d{4}-\S+Z listening on 127\.0\.0\.1:\d+ without TLS, for all users of this machine$/,
  );
  const certificate = await makeCertificate();
  await using secured = await startSpawnerServer({
    certificate,
    token: TOKEN,
    args: ["--host", "0.0.0.0"],
  });
  assertMatch(
    secured.logs(),
    /^\d{4}-\S+Z listening on 0\.0\.0\.0:\d+ with TLS, with a token$/,
  );
  assert(!secured.logs().includes(TOKEN));
});
