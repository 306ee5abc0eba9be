import {
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  BrokenPoolError,
  HostError,
  type HostOptions,
  type HostStep,
  Pool,
  type PoolOptions,
} from "../../../mod.ts";
import { DENO_PLACES } from "../../../src/hosts/ssh/ssh_script.ts";
import { type SshServerOptions, sshTest } from "../../helpers/ssh_server.ts";
import {
  findProgram,
  isFile,
  PoolProgram,
  sharedSite,
  SshSite,
} from "../../helpers/ssh_fixture.ts";

/** A version that isn't supported any more. */
const OLD_DENO = "2.8.3";

const shared = sharedSite();

/** Checks that a pool with the host fails at a step, with these words. */
async function assertFails(
  host: HostOptions,
  step: HostStep,
  words: readonly string[],
  options: PoolOptions = {},
): Promise<void> {
  await using pool = new Pool({ workers: 0, hosts: host, ...options });
  const { cause } = await assertRejects(() => pool.ready, BrokenPoolError);
  assertInstanceOf(cause, HostError);
  for (const text of words) assertStringIncludes(cause.message, text);
  assertEquals(cause.step, step);
  await shared.empty();
}

/** Checks the same with a server that has other options. */
async function assertFailsAt(
  options: SshServerOptions,
  host: Partial<HostOptions>,
  step: HostStep,
  words: readonly string[],
): Promise<void> {
  await using site = await SshSite.start(options);
  await assertFails(site.host(1, { name: "big", ...host }), step, words);
  await site.empty();
}

sshTest("Pool explains that an ssh host's name isn't known", async () => {
  const { sshArgs } = shared.site.server;
  await assertFails({ host: "ssh://no-such-host.invalid", sshArgs }, "name", [
    "Can't use the host no-such-host.invalid: ",
    "check its name",
    "Could not resolve hostname no-such-host.invalid",
  ]);
});

sshTest("Pool explains that an ssh host refused the connection", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const { sshArgs } = shared.site.server;
  await assertFails(
    { host: `ssh://127.0.0.1:${port}`, sshArgs },
    "connection",
    [
      "no ssh server listens on that port",
      `connect to host 127.0.0.1 port ${port}: Connection refused`,
    ],
  );
});

sshTest("Pool explains that an ssh host doesn't answer", async () => {
  // The system accepts connections, and nobody sends anything.
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const host = `ssh://127.0.0.1:${listener.addr.port}`;
  const { sshArgs } = shared.site.server;
  await assertFails({ host, sshArgs }, "connection", [
    "can't be reached",
    "timed out",
  ], { startTimeout: 5_000 });
});

sshTest("Pool explains that an ssh host didn't accept a key", async () => {
  const { site } = shared;
  await assertFails(
    site.host(1, { sshArgs: site.server.wrongKeyArgs }),
    "key",
    ["ssh-copy-id", "'identity'", "ssh-agent", "Permission denied (publickey)"],
  );
});

sshTest("Pool explains that an ssh host's key has changed", async () => {
  const { site } = shared;
  await assertFails(
    site.host(1, { sshArgs: site.server.changedHostKeyArgs }),
    "host key",
    [
      "has changed",
      "ssh-keygen -R",
      "REMOTE HOST IDENTIFICATION HAS CHANGED",
    ],
  );
});

sshTest("Pool explains that an ssh host's key isn't known", async () => {
  const { site } = shared;
  await assertFails(
    site.host(1, { sshArgs: site.server.unknownHostKeyArgs }),
    "host key",
    ["log in once with ssh", "No ED25519 host key is known for"],
  );
});

sshTest("Pool explains that ssh refused its arguments", async () => {
  const sshArgs = [...shared.site.server.sshArgs, "-o", "NoSuchOption=yes"];
  await assertFails(shared.site.host(1, { sshArgs }), "connection", [
    "'sshArgs'",
    "Bad configuration option: nosuchoption",
  ]);
});

sshTest(
  "Pool explains that ssh and a host have no algorithm in common",
  async () => {
    const { site } = shared;
    const algorithms = "HostKeyAlgorithms=rsa-sha2-512";
    const sshArgs = [...site.server.sshArgs, "-o", algorithms];
    await assertFails(site.host(1, { sshArgs }), "connection", [
      "no algorithm in common (host key type)",
      "'sshArgs'",
      "Their offer: ssh-ed25519",
    ]);
  },
);

sshTest(
  "Pool explains that ssh failed when ssh printed nothing",
  async () => {
    const { sshArgs } = shared.site.server;
    const silent = [...sshArgs, "-o", "LogLevel=QUIET"];
    const host = { host: "ssh://no-such-host.invalid", sshArgs: silent };
    await assertFails(host, "connection", [
      "ssh could not connect to no-such-host.invalid (exit code 255)",
      "'ssh -v'",
    ]);
  },
);

for (
  const option of ["AllowStreamLocalForwarding no", "DisableForwarding yes"]
) {
  sshTest(
    `Pool explains that an ssh host doesn't forward with ${option}`,
    async () => {
      await assertFailsAt({ config: [option] }, {}, "forwarding", [
        "AllowStreamLocalForwarding yes",
        "no DisableForwarding",
        "remote port forwarding failed",
      ]);
    },
  );
}

sshTest(
  "Pool explains that a folder doesn't exist on an ssh host",
  async () => {
    const tmpdir = `${shared.site.server.folder}/no`;
    await assertFails(shared.site.host(1, { tmpdir }), "forwarding", [
      `the folder ${tmpdir} doesn't exist`,
      "'tmpdir'",
      "remote port forwarding failed",
    ]);
  },
);

sshTest("Pool explains that an ssh host has no space", async () => {
  // The limit fails writes of larger files, as a full disk would.
  const limited =
    `trap '' XFSZ; ulimit -f 8; exec sh -c "$SSH_ORIGINAL_COMMAND"`;
  await assertFailsAt({ config: [`ForceCommand ${limited}`] }, {}, "folder", [
    "space",
    "'tmpdir'",
    "cat: ",
  ]);
});

sshTest("Pool explains that an ssh host runs no commands", async () => {
  await using site = await SshSite.start({ config: ["ForceCommand false"] });
  await assertFails(site.host(), "spawner", [
    "exit code 1",
    "must be allowed to run commands over ssh",
  ]);
});

sshTest(
  "Pool explains that its program on an ssh host didn't connect in time",
  async () => {
    await using site = await SshSite.start({
      config: ["ForceCommand exec sleep 1000"],
    });
    await assertFails(site.host(), "spawner", [
      "the pool's program there has not connected back",
      "'startTimeout' of 4000 ms",
    ], { startTimeout: 4_000 });
  },
);

// On other machines, deno is found at one of these paths.
if (!DENO_PLACES.some(isFile)) {
  sshTest("Pool lists where it looked for deno on an ssh host", async () => {
    const folder = `${shared.tmpdir}/bin`;
    await Deno.mkdir(folder);
    for (const program of ["sh", "cat", "mkdir", "mv", "rm", "wc"]) {
      await Deno.symlink(findProgram(program)!, `${folder}/${program}`);
    }
    await assertFailsAt({ env: { PATH: folder } }, {}, "deno", [
      "there is no deno on big",
      `in the PATH (${folder})`,
      ...DENO_PLACES,
      "'deno'",
    ]);
  });
}

sshTest("Pool explains that deno can't be run on an ssh host", async () => {
  const deno = `${shared.site.server.folder}/identity.pub`;
  await assertFails(shared.site.host(1, { deno }), "deno", [
    `can't be run on 127.0.0.1 (${deno}: `,
    "Permission denied",
    "'deno'",
  ]);
});

sshTest(
  "Pool explains that a program on an ssh host isn't deno",
  async () => {
    const deno = findProgram("ls")!;
    await assertFails(shared.site.host(1, { deno }), "deno", [
      `can't be run on 127.0.0.1 (${deno} is not deno, its version is `,
      "'deno'",
    ]);
  },
);

/** Downloads another version of Deno from npm, and returns its path. */
async function fetchDeno(version: string): Promise<string> {
  const arch = Deno.build.arch === "aarch64" ? "arm64" : "x64";
  const name = `@deno/linux-${arch}-glibc`;
  await runDeno("cache", "--no-config", `npm:${name}@${version}`);
  const { npmCache } = JSON.parse(await runDeno("info", "--json"));
  const [path] = [...Deno.readDirSync(npmCache)]
    .map((registry) => `${npmCache}/${registry.name}/${name}/${version}/deno`)
    .filter(isFile);
  return path!;
}

async function runDeno(...args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
  }).output();
  const [text, error] = [stdout, stderr].map((bytes) =>
    new TextDecoder().decode(bytes)
  );
  if (!success) throw new Error(error);
  return text!;
}

sshTest("Pool explains that deno is too old on an ssh host", async () => {
  const deno = await fetchDeno(OLD_DENO);
  await assertFails(shared.site.host(1, { deno }), "version", [
    `it is version ${OLD_DENO} at ${deno}, and 2.9 or newer is needed`,
    "deno upgrade",
  ]);
});

sshTest(
  "Pool reports which worker on an ssh host ended, and its stderr",
  async () => {
    const host = shared.site.host(2, { denoArgs: ["--no-such-flag"] });
    await assertFails(host, "worker", [
      "The 127.0.0.1 worker ",
      "did not connect (exit code 1): ",
      "unexpected argument '--no-such-flag'",
    ]);
  },
);

sshTest(
  "Pool reports how many workers on an ssh host didn't connect in time",
  async () => {
    // These workers wait for a debugger.
    const host = shared.site.host(2, {
      denoArgs: ["--inspect-wait=127.0.0.1:0"],
    });
    await assertFails(host, "worker", [
      "2 of the 2 workers of the host 127.0.0.1 have not connected",
      "'startTimeout' of 10000 ms",
    ], { startTimeout: 10_000 });
  },
);

sshTest("Pool explains that there is no ssh program", async () => {
  const PATH = `${shared.tmpdir}/shell`;
  await Deno.mkdir(PATH);
  for (const program of ["sh", "rm"]) {
    await Deno.symlink(findProgram(program)!, `${PATH}/${program}`);
  }
  const hosts = shared.site.host();
  await using program = new PoolProgram({ workers: 0, hosts }, "start", {
    env: { PATH },
  });
  const { code, stderr } = await program.ended();
  assertEquals(code, 1);
  assertStringIncludes(stderr, "the program 'ssh' can't be run");
  assertStringIncludes(stderr, "install the OpenSSH client");
  await shared.empty();
});
