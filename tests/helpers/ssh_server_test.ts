import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { exists, isAlive, until } from "./processes.ts";
import { type SshServer, sshTest, startSshServer } from "./ssh_server.ts";

/** A process that is killed at the end of its scope. */
class Process implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #stdout: ReadableStreamDefaultReader<string>;
  readonly #stderr: Promise<string>;

  constructor(program: string, ...args: string[]) {
    this.#child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdout = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .getReader();
    this.#stderr = new Response(this.#child.stderr).text();
  }

  /** Waits for its only line of output. */
  async readLine(): Promise<string> {
    let line = "";
    while (!line.endsWith("\n")) {
      const { done, value } = await this.#stdout.read();
      if (done) throw new Error(`It has ended: ${await this.#stderr}`);
      line += value;
    }
    return line.trimEnd();
  }

  kill(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
  }

  /** Waits until it and all processes with the same output have ended. */
  async ended(): Promise<{ code: number; stdout: string; stderr: string }> {
    const { code } = await this.#child.status;
    let stdout = "";
    for (let result; !(result = await this.#stdout.read()).done;) {
      stdout += result.value;
    }
    return { code, stdout, stderr: await this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    await this.#child.stdin.close().catch(() => {});
    await this.ended();
  }
}

/** A command that leaves a process behind, prints its id, and waits. */
const LINGER = "setsid sleep 1000 </dev/null >/dev/null 2>&1 & echo $!; cat";

sshTest(
  "SshServer runs a command with the given environment",
  async () => {
    const GREETING = `say "hello" \\ it's me`;
    await using server = await startSshServer({ env: { GREETING } });
    const command = 'echo "$GREETING" && whoami && deno --version';
    await using ssh = new Process(
      "ssh",
      ...server.sshArgs,
      server.destination,
      command,
    );
    const { code, stdout, stderr } = await ssh.ended();
    assertEquals(code, 0, stderr + server.logs());
    const [greeting, user, version] = stdout.split("\n");
    assertEquals([greeting, user], [GREETING, server.user]);
    assertStringIncludes(version!, Deno.version.deno);
    assertStringIncludes(server.logs(), "Starting session: command");
    assertEquals(
      server.spec(3),
      `ssh://${server.user}@127.0.0.1:${server.port}/3`,
    );
  },
);

/** Returns ssh's arguments to forward a Unix socket there to one here. */
function forward(
  server: SshServer,
): { args: string[]; ends: [string, string] } {
  const ends: [string, string] = [
    `${server.folder}/remote.sock`,
    `${server.folder}/local.sock`,
  ];
  const args = ["-o", "ExitOnForwardFailure=yes", "-R", ends.join(":")];
  return { args: [...server.sshArgs, ...args, server.destination], ends };
}

sshTest("SshServer forwards a Unix socket", async () => {
  await using server = await startSshServer();
  const { args, ends: [remote, local] } = forward(server);
  using listener = Deno.listen({ transport: "unix", path: local });
  const echoed = listener.accept().then(async (connection) => {
    await connection.readable.pipeTo(connection.writable);
  });
  await using ssh = new Process("ssh", ...args, "echo ready; cat");
  await ssh.readLine();
  const connection = await Deno.connect({ transport: "unix", path: remote });
  const written = new Response("there and back").body!.pipeTo(
    connection.writable,
    { preventClose: true },
  ).then(() => connection.closeWrite());
  assertEquals(
    await new Response(connection.readable).text(),
    "there and back",
  );
  await Promise.all([written, echoed]);
});

sshTest(
  "SshServer gives its extra lines of configuration precedence",
  async () => {
    await using server = await startSshServer({
      config: ["AllowStreamLocalForwarding no"],
    });
    await using ssh = new Process("ssh", ...forward(server).args, "echo ready");
    const { code, stdout, stderr } = await ssh.ended();
    assertEquals([code, stdout], [255, ""]);
    assertStringIncludes(stderr, "remote port forwarding failed");
  },
);

sshTest("SshServer throws when its configuration is wrong", async () => {
  await assertRejects(
    () => startSshServer({ config: ["NoSuchOption yes"] }),
    Error,
    "Bad configuration option: NoSuchOption",
  );
});

sshTest("SshServer has arguments with which ssh can't log in", async () => {
  await using server = await startSshServer();
  const cases = [
    [server.wrongKeyArgs, "Permission denied (publickey)"],
    [server.unknownHostKeyArgs, "host key is known for"],
    [server.changedHostKeyArgs, "REMOTE HOST IDENTIFICATION HAS CHANGED"],
  ] as const;
  await Promise.all(cases.map(async ([args, words]) => {
    await using ssh = new Process(
      "ssh",
      ...args,
      server.destination,
      "echo ready",
    );
    const { code, stdout, stderr } = await ssh.ended();
    assertEquals([code, stdout], [255, ""]);
    assertStringIncludes(stderr, words);
  }));
});

sshTest(
  "SshServer.killSessions() ends connections, and accepts new ones",
  async () => {
    await using server = await startSshServer();
    assertEquals(server.pids(), []);
    for (let count = 0; count < 2; count++) {
      await using ssh = new Process(
        "ssh",
        ...server.sshArgs,
        server.destination,
        LINGER,
      );
      await ssh.readLine();
      assert(server.pids().length > 0);
      await server.killSessions();
      assertEquals(server.pids(), []);
      assertEquals((await ssh.ended()).code, 255);
    }
  },
);

sshTest(
  "SshServer.stop() ends everything that its sessions have started",
  async () => {
    await using server = await startSshServer();
    await using ssh = new Process(
      "ssh",
      ...server.sshArgs,
      server.destination,
      LINGER,
    );
    const pids = [Number(await ssh.readLine()), ...server.pids()];
    await server.killSessions();
    assert(isAlive(pids[0]!));
    await server.stop();
    await until(() => !pids.some(isAlive));
    assert(!exists(server.folder));
  },
);

sshTest("SshServer leaves nothing when its process is killed", async () => {
  const program = `
    import { startSshServer } from ${
    JSON.stringify(import.meta.resolve("./ssh_server.ts"))
  };
    const server = await startSshServer();
    const ssh = new Deno.Command("ssh", {
      args: [...server.sshArgs, server.destination, ${JSON.stringify(LINGER)}],
      stdin: "inherit",
      stdout: "piped",
    }).spawn();
    const { value } = await ssh.stdout.getReader().read();
    const pids = [...server.pids(), Number(new TextDecoder().decode(value))];
    console.log(JSON.stringify({ folder: server.folder, pids }));
    await ssh.status;`;
  await using process = new Process(Deno.execPath(), "eval", program);
  const report = await process.readLine();
  process.kill();
  await process.ended();
  const { folder, pids }: { folder: string; pids: number[] } = JSON.parse(
    report,
  );
  assert(pids.length > 1);
  await until(() => !pids.some(isAlive));
  await until(() => !exists(folder));
});
