import {
  assert,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertStringIncludes,
} from "@std/assert";
import { join } from "node:path";
import type { Row } from "../../bench/measure.ts";
import { PEERS } from "../../bench/peers/peers.ts";
import { exists, gone, until } from "../helpers/processes.ts";

/** What `--json` prints. */
interface PeersReport {
  readonly peers: readonly {
    readonly name: string;
    readonly version?: string;
    readonly missing?: string;
  }[];
  readonly failures: readonly {
    readonly peer: string;
    readonly work: string;
    readonly reason: string;
  }[];
  readonly rows: readonly Row[];
}

const IGNORE = Deno.build.os === "windows";

const PATH = Deno.env.get("PATH")!;

const HELLO = `echo '{"version":"1.2","runtime":"sh"}'`;

const ANSWERS = `while read -r _; do echo '{"seconds":0.01}'; done`;

Deno.test({
  name: "bench:peers reports each missing peer, and why",
  ignore: IGNORE,
  async fn() {
    await withPrograms({}, async (path) => {
      const { peers, rows, failures } = await report(path, "run/10000/");
      const missing = Object.fromEntries(
        peers.map(({ name, missing }) => [name, missing]),
      );
      assertEquals(missing, {
        "pool": undefined,
        "piscina": "node isn't in PATH",
        "piscina-tuned": "node isn't in PATH",
        "tinypool": "node isn't in PATH",
        "workerpool-threads": "node isn't in PATH",
        "workerpool-processes": "node isn't in PATH",
        "poolifier-threads": "node isn't in PATH",
        "poolifier-processes": "node isn't in PATH",
        "concurrent.futures": "python3 isn't in PATH",
        "multiprocessing": "python3 isn't in PATH",
        "dask": "python3 isn't in PATH",
        "distex-python": "python3 isn't in PATH",
        "gnu-parallel": "parallel isn't in PATH",
      });
      assertEquals(rows.map(({ name }) => name), ["run/10000/pool"]);
      assertEquals(failures, []);
    });
  },
});

Deno.test({
  name: "bench:peers prints the missing peers below the table",
  ignore: IGNORE,
  async fn() {
    await withPrograms({}, async (path) => {
      const { code, stdout } = await run(path, "--only=run/10000/dask");
      assertEquals(code, 0);
      assertStringIncludes(stdout, "\nrun/10000/pool ");
      assertStringIncludes(stdout, "\nMissing: dask: python3 isn't in PATH\n");
    });
  },
});

Deno.test({
  name: "bench:peers reports that npm can't install a peer",
  ignore: IGNORE,
  async fn() {
    const programs = { node: "exit 0", npm: "echo no network >&2; exit 1" };
    await withPrograms(programs, async (path) => {
      const { peers } = await report(path, "run/10000/tinypool");
      assertArrayIncludes(peers, [
        { name: "tinypool", missing: "npm install failed: no network" },
      ]);
    });
  },
});

Deno.test({
  name: "bench:peers compares a peer with the pool",
  ignore: IGNORE,
  async fn() {
    const programs = { python3: `${HELLO}\n${ANSWERS}` };
    await withPrograms(programs, async (path) => {
      const { peers, rows } = await report(path, "run/10000/multiprocessing");
      assertArrayIncludes(peers, [
        { name: "multiprocessing", version: "1.2", runtime: "sh" },
      ]);
      const [pool, peer] = rows;
      assertEquals(rows.length, 2);
      assertEquals(pool!.name, "run/10000/pool");
      assertEquals(peer!.name, "run/10000/multiprocessing");
      assertEquals(Object.keys(peer!.ratios), ["run/10000/pool"]);
    });
  },
});

Deno.test({
  name: "bench:peers reports a peer that fails, and measures the others",
  ignore: IGNORE,
  async fn() {
    const programs = {
      python3: `${HELLO}
        case $2 in
          multiprocessing) read -r _; echo '{"error":"no memory"}' ;;
          dask) echo 'lost the scheduler' >&2; exit 1 ;;
          distex-python) read -r _; echo hello ;;
        esac
        ${ANSWERS}`,
    };
    await withPrograms(programs, async (path) => {
      const { failures, rows } = await report(path, "run/10000/");
      const reasons = Object.fromEntries(
        failures.map(({ peer, work, reason }) => [`${work}/${peer}`, reason]),
      );
      assertEquals(reasons, {
        "run/10000/multiprocessing": "no memory",
        "run/10000/dask": "its process ended: lost the scheduler",
        "run/10000/distex-python": "it printed 'hello'",
      });
      assertEquals(
        rows.map(({ name }) => name),
        ["run/10000/pool", "run/10000/concurrent.futures"],
      );
    });
  },
});

Deno.test({
  name: "bench:peers ends a peer and all that it started",
  ignore: IGNORE,
  async fn() {
    // The peer's own process ends at the end of its input, but not the other.
    const programs = {
      python3: `/bin/sleep 1000 >/dev/null 2>&1 &
        echo "$! $$" >> "\${0%/*}/pids"
        ${HELLO}\n${ANSWERS}`,
    };
    await withPrograms(programs, async (path) => {
      await report(path, "run/10000/multiprocessing");
      const text = await Deno.readTextFile(join(path, "pids"));
      const pids = text.trim().split(/\s+/).map(Number);
      assertEquals(pids.length, 2);
      for (const pid of pids) await gone(pid);
    });
  },
});

Deno.test({
  name: "bench:peers leaves nothing behind if it is interrupted",
  ignore: IGNORE,
  async fn() {
    const programs = {
      npm: "exit 0",
      node: `[ "$1" = -p ] && exit
        echo "$$" > "$TMPDIR/pid"
        ${HELLO}
        read -r _; echo asked > "$TMPDIR/asked"; read -r _`,
    };
    await withPrograms(programs, async (path) => {
      const process = command(path, "--only=run/10000/piscina").spawn();
      await until(() => exists(join(path, "asked")));
      const names = Array.from(Deno.readDirSync(path), ({ name }) => name);
      assert(names.some((name) => name.startsWith("peers-")), `${names}`);
      process.kill("SIGINT");
      const { code, stderr } = await process.output();
      assertEquals(code, 130, new TextDecoder().decode(stderr));
      await gone(Number(await Deno.readTextFile(join(path, "pid"))));
      const left = Array.from(Deno.readDirSync(path), ({ name }) => name);
      assertEquals(left.filter((name) => name.startsWith("peers-")), []);
    });
  },
});

Deno.test({
  name: "bench:peers measures each peer that is there",
  ignore: IGNORE,
  async fn() {
    const { peers, rows, failures } = await report(PATH, "run/10000/");
    const measured = new Set(rows.map(({ name }) => name));
    for (const { name, works } of PEERS) {
      if (!works.includes("run")) continue;
      const peer = peers.find((peer) => peer.name === name);
      assertExists(peer, name);
      const failure = failures.find((failure) => failure.peer === name);
      const isThere = peer.missing === undefined && failure === undefined;
      assertEquals(measured.has(`run/10000/${name}`), isThere, name);
      if (isThere) assert(peer.version, name);
    }
  },
});

Deno.test("bench:peers reports an option or a row that doesn't exist", async () => {
  const option = await run(PATH, "--fast");
  assertEquals(option.code, 1);
  assertStringIncludes(option.stderr, "There is no option '--fast'");
  const row = await run(PATH, "--only=nothing");
  assertEquals(row.code, 1);
  assertStringIncludes(row.stderr, "There is no row with 'nothing'");
});

/**
 * Calls a function with a folder that holds shell scripts of these names, and
 * the shell that the pool itself needs.
 */
async function withPrograms(
  scripts: Readonly<Record<string, string>>,
  check: (path: string) => Promise<void>,
): Promise<void> {
  const path = await Deno.makeTempDir();
  try {
    await Deno.symlink("/bin/sh", join(path, "sh"));
    for (const [name, script] of Object.entries(scripts)) {
      const file = join(path, name);
      await Deno.writeTextFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    await check(path);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

async function report(path: string, only: string): Promise<PeersReport> {
  const { code, stdout, stderr } = await run(path, "--json", `--only=${only}`);
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

async function run(path: string, ...args: string[]) {
  const { code, stdout, stderr } = await command(path, ...args).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

function command(path: string, ...args: string[]): Deno.Command {
  const url = new URL("../../bench/peers/main.ts", import.meta.url);
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", url.href, "--quick", ...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", PATH: path, ...path !== PATH && { TMPDIR: path } },
  });
}
