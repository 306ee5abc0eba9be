import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  AGENT_HELP,
  readAgentArgs,
} from "../../src/spawner/read_agent_args.ts";
import { makeCertificate } from "../../src/transport/certificate.ts";
import { withFile } from "../helpers/files.ts";

const TOKEN = "a token of the tests";
const FINGERPRINT = `sha256:${"0123456789abcdef".repeat(4)}`;
const LOOPBACK = ["--connect", "127.0.0.1:7000"];

/** Reads arguments, with the token and more in the environment. */
async function read(
  args: readonly string[],
  env: Readonly<Record<string, string>> = { DISTEX_TOKEN: TOKEN },
): Promise<NonNullable<Awaited<ReturnType<typeof readAgentArgs>>>> {
  for (const [name, value] of Object.entries(env)) Deno.env.set(name, value);
  try {
    return (await readAgentArgs([...args]))!;
  } finally {
    for (const name of Object.keys(env)) Deno.env.delete(name);
  }
}

async function assertRefused(
  args: readonly string[],
  ...words: string[]
): Promise<void> {
  const error = await assertRejects(() => read(args), Error);
  for (const word of words) assertStringIncludes(error.message, word);
}

Deno.test("readAgentArgs() has defaults for everything but address and token", async () => {
  assertEquals(await read(LOOPBACK), {
    address: { transport: "tcp", hostname: "127.0.0.1", port: 7_000 },
    pin: undefined,
    token: TOKEN,
    group: 0,
    connectTimeout: 60_000,
    offer: {
      workers: 1,
      name: Deno.hostname(),
      labels: {},
      resources: {},
    },
    wallTime: Infinity,
    leaveBefore: 0,
  });
});

Deno.test("readAgentArgs() reads all options", async () => {
  await withFile(`${TOKEN}\n`, async (file) => {
    const settings = await read([
      ...["--connect", "node0:7000", "--token-file", file],
      ...["--fingerprint", FINGERPRINT, "--workers", "8", "--name", "node1"],
      ...["--labels", "region=eu,disk=ssd", "--resources", "gpu=2,memory=64G"],
      ...["--max-idle", "1.5", "--wall-time", "1:00:00"],
      ...["--leave-before", "90", "--connect-timeout", "0:02:30"],
      ...["--job", "17_3", "--group", "2"],
    ], { DISTEX_TOKEN: "another token of the tests" });
    assertEquals(settings, {
      address: { transport: "tls", hostname: "node0", port: 7_000 },
      pin: { fingerprint: FINGERPRINT },
      token: TOKEN,
      group: 2,
      connectTimeout: 150_000,
      offer: {
        workers: 8,
        name: "node1",
        labels: { region: "eu", disk: "ssd" },
        resources: { gpu: 2, memory: "64G" },
        job: "17_3",
        maxIdle: 1_500,
      },
      wallTime: 3_600_000,
      leaveBefore: 90_000,
    });
  });
});

Deno.test("readAgentArgs() removes the secret from the environment", async () => {
  Deno.env.set("DISTEX_TOKEN", TOKEN);
  Deno.env.set("DISTEX_FINGERPRINT", FINGERPRINT);
  const { token, pin } = (await readAgentArgs([...LOOPBACK]))!;
  assertEquals([token, pin], [TOKEN, { fingerprint: FINGERPRINT }]);
  assertEquals(Deno.env.get("DISTEX_TOKEN"), undefined);
  assertEquals(Deno.env.get("DISTEX_FINGERPRINT"), undefined);
});

Deno.test("readAgentArgs() returns undefined with --help, which lists all options", async () => {
  assertEquals(await readAgentArgs(["--help"]), undefined);
  for (
    const option of [
      ...["connect", "token-file", "fingerprint", "certificate-file"],
      ...["workers", "name", "labels", "resources", "max-idle", "wall-time"],
      ...["leave-before", "connect-timeout", "job", "group", "help"],
    ]
  ) assertStringIncludes(AGENT_HELP, `\n  --${option} `);
});

for (
  const [connect, pin, transport, hostname] of [
    ["localhost:1", false, "tcp", "localhost"],
    ["127.1.2.3:1", false, "tcp", "127.1.2.3"],
    ["[::1]:1", false, "tcp", "::1"],
    ["::1:1", false, "tcp", "::1"],
    ["localhost:1", true, "tls", "localhost"],
    ["node0:1", true, "tls", "node0"],
    ["tls:node0:1", true, "tls", "node0"],
    ["tls:[2001:db8::1]:1", true, "tls", "2001:db8::1"],
    ["tls:2001:db8::1:1", true, "tls", "2001:db8::1"],
    ["tcp:node0:1", false, "tcp", "node0"],
    ["tcp:192.0.2.1:1", false, "tcp", "192.0.2.1"],
  ] as const
) {
  Deno.test(`readAgentArgs() takes ${connect} as ${transport} ${hostname} ${pin ? "with" : "without"} a fingerprint`, async () => {
    const pins = pin ? ["--fingerprint", FINGERPRINT] : [];
    const { address } = await read(["--connect", connect, ...pins]);
    assertEquals(address, { transport, hostname, port: 1 });
  });
}

Deno.test("readAgentArgs() refuses a missing or malformed address", async () => {
  await assertRefused([], "give --connect host:port");
  for (
    const address of [
      "",
      "node0",
      "node0:",
      ":7000",
      "node0:0",
      "node0:65536",
      "node0:http",
      "http://node0:7000",
      "user@node0:7000",
    ]
  ) {
    await assertRefused(
      [`--connect=${address}`],
      "--connect must be like host:port",
      `"${address}"`,
    );
  }
});

Deno.test("readAgentArgs() refuses TLS without a certificate, and a certificate without TLS", async () => {
  for (const address of ["node0:7000", "192.0.2.1:7000", "tls:localhost:1"]) {
    await assertRefused(
      ["--connect", address],
      `--connect ${address} uses TLS`,
      "--fingerprint",
    );
  }
  await assertRefused(
    ["--connect", "tcp:node0:7000", "--fingerprint", FINGERPRINT],
    "--connect tcp:node0:7000 is without TLS",
  );
});

Deno.test("readAgentArgs() refuses a certificate that isn't one", async () => {
  const { cert } = await makeCertificate();
  await withFile(cert, async (file) => {
    const both = ["--certificate-file", file, "--fingerprint", FINGERPRINT];
    await assertRefused(
      [...LOOPBACK, ...both],
      "--certificate-file and --fingerprint can't be given together",
    );
    const { pin } = await read([...LOOPBACK, ...both.slice(0, 2)]);
    assertEquals(pin, { certificate: cert });
  });
  await withFile("no PEM", (file) =>
    assertRefused(
      [...LOOPBACK, "--certificate-file", file],
      `--certificate-file ${file} has no certificate in the format PEM`,
    ));
  await assertRefused(
    [...LOOPBACK, "--fingerprint", "sha256:00"],
    "--fingerprint must be sha256: and 64 hexadecimal digits",
  );
  const env = { DISTEX_TOKEN: TOKEN, DISTEX_FINGERPRINT: "sha256:00" };
  await assertRejects(
    () => read(LOOPBACK, env),
    TypeError,
    "DISTEX_FINGERPRINT must be",
  );
});

Deno.test("readAgentArgs() refuses a missing, short or unreadable token", async () => {
  for (const env of [{}, { DISTEX_TOKEN: " " }]) {
    await assertRejects(
      () => read(LOOPBACK, env as Record<string, string>),
      Error,
      "give a file that has it with --token-file, or set DISTEX_TOKEN",
    );
  }
  await assertRefused(
    [...LOOPBACK, "--token-file", "/no/such/file"],
    "--token-file /no/such/file can't be read",
  );
  await withFile("short", (file) =>
    assertRefused(
      [...LOOPBACK, "--token-file", file],
      `The token in ${file} has 5 characters`,
    ));
});

Deno.test("readAgentArgs() refuses unknown options and wrong numbers", async () => {
  await assertRefused([...LOOPBACK, "--worker-count", "4"], "no option");
  await assertRefused([...LOOPBACK, "4"], "no option '4'");
  for (
    const [flag, value] of [
      ["workers", "-1"],
      ["workers", "65537"],
      ["workers", "many"],
      ["group", "2147483648"],
      ["max-idle", "0"],
      ["max-idle", "soon"],
      ["wall-time", "-1"],
      ["wall-time", "1:60:00"],
      ["wall-time", "60:00"],
      ["connect-timeout", ""],
    ] as const
  ) {
    await assertRefused(
      [...LOOPBACK, `--${flag}=${value}`],
      `--${flag} must be`,
      `"${value}"`,
    );
  }
  for (const value of ["region", "region=", "=eu", "region=eu,", ""]) {
    for (const flag of ["labels", "resources"]) {
      await assertRefused(
        [...LOOPBACK, `--${flag}=${value}`],
        `--${flag} must be like`,
        `"${value}"`,
      );
    }
  }
});

Deno.test("readAgentArgs() leaves a tenth of the wall time before its end, but at most a minute", async () => {
  for (const [wallTime, expected] of [["60", 6_000], ["9:00:00", 60_000]]) {
    const { leaveBefore } = await read(
      [...LOOPBACK, "--wall-time", `${wallTime}`],
    );
    assertEquals(leaveBefore, expected);
  }
  await assertRefused(
    [...LOOPBACK, "--leave-before", "5"],
    "--leave-before needs --wall-time",
  );
  await assertRefused(
    [...LOOPBACK, "--leave-before", "60", "--wall-time", "60"],
    "--leave-before 60 must be shorter than --wall-time 60",
  );
});

Deno.test("readAgentArgs() offers a worker for each CPU if their number is 0", async () => {
  const { offer } = await read([...LOOPBACK, "--workers", "0"]);
  assertEquals(offer.workers, navigator.hardwareConcurrency);
});
