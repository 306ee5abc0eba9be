import { assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { Reaper } from "../../src/spawner/reaper.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { exists } from "../helpers/processes.ts";

/**
 * A program with a reaper that watches three processes. The process "ended" has
 * ended. The process "spared" hasn't, but the program reports that it has. The
 * others print a line when standard input ends, if they still run then.
 */
const PROGRAM = `
import { Reaper } from ${
  JSON.stringify(import.meta.resolve("../../src/spawner/reaper.ts"))
};

// The lines must be sent to the reaper before this program is killed.
const written = [];
const { write } = WritableStreamDefaultWriter.prototype;
WritableStreamDefaultWriter.prototype.write = function (chunk) {
  const promise = write.call(this, chunk);
  written.push(promise);
  return promise;
};

function start(name) {
  return new Deno.Command("sh", {
    args: ["-c", 'read -r line; echo "$0 survived"', name],
    stdin: name === "ended" ? "null" : "inherit",
    stdout: name === "ended" ? "null" : "inherit",
    stderr: "null",
  }).spawn();
}

const reaper = new Reaper(Deno.args[0] || undefined);
const ended = start("ended");
reaper.watch(ended);
const watched = start("watched");
reaper.watch(watched);
const spared = start("spared");
reaper.watch({ pid: spared.pid, status: Promise.resolve() });
await ended.status;
await new Promise((resolve) => setTimeout(resolve));
await Promise.all(written);
console.log("ready", written.length, "lines");
await new Promise((resolve) => setInterval(resolve, 2 ** 31 - 1));
`;

/**
 * Runs the program until it is ready, kills it, and waits for the reaper.
 *
 * @param isGroup Whether to kill its whole process group.
 */
async function killProgram(folder: string, isGroup = false): Promise<string> {
  const code = `data:text/javascript,${encodeURIComponent(PROGRAM)}`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-config", code, folder],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
    detached: isGroup,
  }).spawn();
  // Only the program and its reaper have this stderr.
  const stderr = new Response(child.stderr).text();
  const stdout = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  async function readUntil(end: string): Promise<void> {
    while (!text.includes(end)) {
      const { done, value } = await stdout.read();
      if (done) return;
      text += value;
    }
  }
  try {
    await readUntil("lines\n");
  } finally {
    kill(isGroup ? -child.pid : child.pid);
    await child.status;
    assertEquals(await stderr, "");
    // This makes the remaining processes end by themselves.
    await child.stdin.close();
    await readUntil("\0");
  }
  return text;
}

function kill(pid: number): void {
  try {
    Deno.kill(pid, "SIGKILL");
  } catch {
    // It has ended; the test checks its output.
  }
}

Deno.test({
  name:
    "Reaper kills the remaining processes and removes the folder when its pipe ends",
  ignore: !Reaper.isSupported,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "it's a folder " });
    try {
      await Deno.mkdir(`${folder}/a b`);
      await Deno.writeTextFile(`${folder}/a b/file`, "");
      const text = await killProgram(folder);
      assertStringIncludes(text, "ready 5 lines\n");
      assertFalse(text.includes("watched survived"), text);
      assertStringIncludes(text, "spared survived");
      assertFalse(exists(folder));
    } finally {
      if (exists(folder)) await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "Reaper removes the folder when the whole process group is killed",
  ignore: !Reaper.isSupported,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      await killProgram(folder, true);
      assertFalse(exists(folder));
    } finally {
      if (exists(folder)) await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test({
  name: "Reaper kills the remaining processes when it has no folder",
  ignore: !Reaper.isSupported,
  async fn() {
    const text = await killProgram("");
    assertFalse(text.includes("watched survived"), text);
    assertStringIncludes(text, "spared survived");
  },
});

Deno.test({
  name: "Reaper.close() spares processes that have ended or aren't watched",
  ignore: !Reaper.isSupported,
  async fn() {
    // The reaper's process doesn't keep a program alive by itself.
    const keepAlive = new KeepAlive();
    keepAlive.hold();
    const reaper = new Reaper(undefined);
    const ended = startReader();
    const other = startReader();
    reaper.watch(ended);
    await finish(ended);
    await reaper.close();
    keepAlive.close();
    assertEquals(await finish(other), "survived\n");
  },
});

Deno.test({
  name: "Reaper runs the latest commands in order at the end",
  ignore: !Reaper.isSupported,
  async fn() {
    const folder = await Deno.makeTempDir();
    const log = `${folder}/log`;
    const append = (...args: string[]) => [
      "sh",
      "-c",
      'for arg; do printf "%s|" "$arg" >>"$0"; done',
      log,
      ...args,
    ];
    const keepAlive = new KeepAlive();
    keepAlive.hold();
    try {
      const reaper = new Reaper(undefined);
      const [first, second, third] = [1, 2, 3].map(() => reaper.atEnd());
      third!(append("third"));
      first!(append("replaced"));
      second!(append("removed"));
      const odd = ["it's", "two\nlines\n", "back\\slash\\n", "$HOME", "", " "];
      first!(append(...odd));
      second!(undefined);
      await reaper.close();
      const text = await Deno.readTextFile(log);
      assertEquals(text, [...odd, "third", ""].join("|"));
    } finally {
      keepAlive.close();
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** Why a program can't run `sh`, and its flags and PATH. */
const SHELLLESS = {
  "it isn't in the PATH": ["--allow-run", ""],
  "only deno may be run": ["--allow-run=deno", Deno.env.get("PATH") ?? ""],
} as const;

for (const [why, [flag, path]] of Object.entries(SHELLLESS)) {
  Deno.test({
    name: `Reaper explains its need for sh when ${why}`,
    ignore: !Reaper.isSupported,
    async fn() {
      const module = import.meta.resolve("../../src/spawner/reaper.ts");
      const code = `
        import { Reaper } from ${JSON.stringify(module)};
        try {
          new Reaper(undefined);
        } catch ({ message, cause }) {
          console.log(message, cause instanceof Error);
        }`;
      const program = `data:text/javascript,${encodeURIComponent(code)}`;
      const bin = Deno.execPath().replace(/[^/]*$/, "");
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", flag, "--no-config", program],
        env: { PATH: path && `${bin}:${path}` },
      }).output();
      const text = new TextDecoder().decode(stdout);
      const said = new TextDecoder().decode(stderr);
      assertStringIncludes(text, "'sh', which ends the workers", said);
      assertStringIncludes(text, `--allow-run=${Deno.execPath()},sh`, said);
      assertStringIncludes(text, " true\n", said);
    },
  });
}

/** A process that lives until its standard input ends. */
function startReader(): Deno.ChildProcess {
  return new Deno.Command("sh", {
    args: ["-c", "read -r line; echo survived"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
}

async function finish(child: Deno.ChildProcess): Promise<string> {
  await child.stdin.close();
  const { stdout } = await child.output();
  return new TextDecoder().decode(stdout);
}
