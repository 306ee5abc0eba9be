/**
 * A real Grid Engine for a test, with one machine. It ignores this machine's
 * installation but for the programs, and leaves nothing behind.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import { Environment } from "./environment.ts";
import {
  execHost,
  queue,
  scheduler,
  SMP,
  writeCell,
} from "./grid_engine_files.ts";
import { type Outcome, runProgram } from "./run_program.ts";
import { exists } from "./processes.ts";

const LIB = "/usr/lib/gridengine";

/** Ports below the range from which systems assign ports, also to other tests. */
const PORTS = { from: 10_000, to: 32_000 };

const MAX_TRIES = 20;

/** How long a daemon may take to start, in milliseconds. */
const TIMEOUT = 60_000;

/**
 * Reads lines with a name of a daemon and two ports, and starts the daemon. When
 * its pipe ends, it kills all processes that have the folder in their environment,
 * with their descendants, and removes the folder.
 *
 * The daemons pass the variable on to all jobs, which outlive them. Stopped
 * processes can't start others during the search.
 */
const GUARD = `
folder=$1 lib=$2
trap '' HUP INT QUIT TERM
while read -r daemon qmaster execd; do
  {
    trap - HUP INT QUIT TERM
    export SGE_ND=1 SGE_ROOT="$folder" SGE_CELL=cell
    export SGE_QMASTER_PORT="$qmaster" SGE_EXECD_PORT="$execd"
    exec "$lib/$daemon"
  } </dev/null >>"$folder/$daemon.log" 2>&1 &
  echo $! >"$folder/$daemon.pid.new"
  mv "$folder/$daemon.pid.new" "$folder/$daemon.pid"
done
exec 2>/dev/null
tree=
stop() {
  kill -STOP "$1" || return
  tree="$tree $1"
  for child in $(cat /proc/"$1"/task/*/children); do stop "$child"; done
}
while files=$(grep -lF "SGE_ROOT=$folder" /proc/[0-9]*/environ); [ "$files" ]; do
  tree=
  for file in $files; do
    pid=\${file#/proc/}
    stop "\${pid%/environ}"
  done
  kill -KILL $tree
done
wait
rm -rf "$folder"
`;

/** The daemons. */
type Daemon = "sge_qmaster" | "sge_execd";

/** Why this machine can't run a {@linkcode GridEngine}, if so. */
export const gridEngineProblem: string | undefined = findProblem();

function findProblem(): string | undefined {
  if (Deno.build.os !== "linux") return "needs Linux";
  if (Deno.uid() !== 0) return "needs root";
  const packages = [
    ["sge_qmaster", "gridengine-master"],
    ["sge_execd", "gridengine-exec"],
    ["qsub", "gridengine-client"],
  ].filter(([program]) => !exists(`${LIB}/${program}`));
  if (packages.length === 0) return undefined;
  return `install ${packages.map(([, name]) => name).join(", ")}`;
}

/** Declares a test that needs a {@linkcode GridEngine}, like `Deno.test`. */
export function gridEngineTest(
  name: string,
  fn: () => void | Promise<void>,
  options: Pick<Deno.TestDefinition, "sanitizeOps" | "sanitizeResources"> = {},
): void {
  if (gridEngineProblem) name += ` (skipped: ${gridEngineProblem})`;
  const ignore = gridEngineProblem !== undefined;
  Deno.test({ ...options, name, fn, ignore });
}

/** Starts a Grid Engine; resolves when its queues accept and run jobs. */
export async function startGridEngine(): Promise<GridEngine> {
  return await GridEngine.start();
}

/** The result of {@linkcode sharedGridEngine}. */
export interface SharedGridEngine {
  /** The engine, while tests run. */
  readonly engine: GridEngine;
}

/**
 * Starts a Grid Engine before the tests of a file, and stops it after them.
 * Commands of this process find it.
 */
export function sharedGridEngine(): SharedGridEngine {
  let engine: GridEngine | undefined;
  let environment: Environment | undefined;
  Deno.test.beforeAll(async () => {
    if (gridEngineProblem !== undefined) return;
    engine = await startGridEngine();
    environment = new Environment(engine.env);
  });
  Deno.test.afterAll(async () => {
    environment?.[Symbol.dispose]();
    await engine?.stop();
  });
  return {
    get engine() {
      return engine!;
    },
  };
}

/**
 * The result of {@linkcode startGridEngine}: the queue `all.q` with 8 slots, the
 * queue `tiny.q` with 1 slot, and the parallel environment `smp`.
 */
export class GridEngine implements AsyncDisposable {
  readonly #guard: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #ports: readonly [qmaster: number, execd: number] = [0, 0];
  #stopped: Promise<unknown> | undefined;

  /** The folder of its files. */
  readonly folder: string;

  private constructor() {
    this.folder = Deno.makeTempDirSync({ prefix: "distex-sge-" });
    this.#guard = new Deno.Command("sh", {
      args: ["-c", GUARD, "sge-reaper", this.folder, LIB],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      // It needs its own process group, as ours may be killed as a whole.
      detached: true,
    }).spawn();
    this.#writer = this.#guard.stdin.getWriter();
  }

  /** See {@linkcode startGridEngine}. */
  static async start(): Promise<GridEngine> {
    const engine = new GridEngine();
    try {
      await engine.#startQmaster();
      await engine.#addQueues();
      await engine.startExecd();
      return engine;
    } catch (error) {
      await engine.stop();
      throw error;
    }
  }

  /** The environment variables with which its commands find it. */
  get env(): Record<string, string> {
    return {
      SGE_ROOT: this.folder,
      SGE_CELL: "cell",
      SGE_QMASTER_PORT: String(this.#ports[0]),
      SGE_EXECD_PORT: String(this.#ports[1]),
    };
  }

  /** Runs one of its commands, such as `qstat`, and returns its output. */
  async run(command: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#run(command, args);
    if (code === 0) return stdout;
    throw new Error(`${command} ${args.join(" ")}: ${stdout}${stderr}`);
  }

  /** The ids of all tasks that wait or run, with their states. */
  async tasks(): Promise<Map<string, string>> {
    const lines = (await this.run("qstat", "-g", "d", "-u", "*")).split("\n");
    return new Map(lines.flatMap((line) => {
      const [id, , , , state, ...rest] = line.trim().split(/\s+/);
      if (!/^\d+$/.test(id!)) return [];
      return [[`${id}.${rest.at(-1)}`, state!]];
    }));
  }

  /** Starts the daemon that runs jobs; resolves when it takes some. */
  async startExecd(): Promise<void> {
    await this.#spawn("sge_execd");
    const port = String(this.#ports[1]);
    const args = ["-info", "localhost", port, "execd", "1"];
    await this.#until(
      async () => (await this.#run("qping", args)).code === 0,
      "sge_execd",
    );
  }

  /** Kills the daemon that runs jobs; the jobs go on. */
  async killExecd(): Promise<void> {
    const pid = Number(
      await Deno.readTextFile(`${this.folder}/sge_execd.pid`),
    );
    Deno.kill(pid, "SIGKILL");
    await Deno.remove(`${this.folder}/sge_execd.pid`);
  }

  /** The log of its daemons so far. */
  logs(): string {
    return ["sge_qmaster.log", "sge_execd.log", "spool/messages"].map(
      (name) => {
        try {
          return Deno.readTextFileSync(`${this.folder}/${name}`);
        } catch {
          return "";
        }
      },
    ).join("\n");
  }

  /** Kills the daemons and all jobs, and removes the folder. */
  async stop(): Promise<void> {
    await this.#writer.close().catch(() => {});
    await (this.#stopped ??= this.#guard.status);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Starts the daemon that schedules, at free ports: only it can find them. */
  async #startQmaster(): Promise<void> {
    for (let tries = 1;; tries++) {
      const port = PORTS.from +
        Math.floor(Math.random() * (PORTS.to - PORTS.from));
      this.#ports = [port, port + 1];
      await writeCell(this.folder, port);
      await this.#initialize();
      await this.#spawn("sge_qmaster");
      try {
        await this.#until(
          async () => (await this.#run("qstat", [])).code === 0,
          "sge_qmaster",
        );
        return;
      } catch (error) {
        if (tries === MAX_TRIES || !/can't bind/.test(this.logs())) throw error;
      }
    }
  }

  /** Makes the files of the daemon that schedules. */
  async #initialize(): Promise<void> {
    const { folder } = this;
    const resources = "/usr/share/gridengine/util/resources";
    for (
      const [program, ...args] of [
        [
          "spoolinit",
          "classic",
          "libspoolc",
          `${folder}/cell/common;${folder}/spool`,
          "init",
        ],
        ["spooldefaults", "configuration", `${folder}/configuration`],
        ["spooldefaults", "complexes", `${resources}/centry`],
        ["spooldefaults", "usersets", `${resources}/usersets`],
      ]
    ) {
      const { code, stdout, stderr } = await runProgram(
        `${LIB}/${program}`,
        args,
        this.env,
      );
      if (code !== 0) throw new Error(`${program}: ${stdout}${stderr}`);
    }
  }

  async #addQueues(): Promise<void> {
    const { folder } = this;
    const files = {
      scheduler: scheduler(await this.run("qconf", "-ssconf")),
      host: execHost(),
      smp: SMP,
      all: queue("all.q", 8),
      tiny: queue("tiny.q", 1),
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    await this.run("qconf", "-Msconf", `${folder}/scheduler`);
    await this.run("qconf", "-as", "localhost");
    await this.run("qconf", "-Ae", `${folder}/host`);
    await this.run("qconf", "-Ap", `${folder}/smp`);
    await this.run("qconf", "-Aq", `${folder}/all`);
    await this.run("qconf", "-Aq", `${folder}/tiny`);
  }

  /** Starts a daemon, and waits until its process id is known. */
  async #spawn(daemon: Daemon): Promise<void> {
    const line = [daemon, ...this.#ports].join(" ");
    await this.#writer.write(new TextEncoder().encode(`${line}\n`));
  }

  /** Waits for a condition while a daemon runs. */
  async #until(
    condition: () => Promise<boolean>,
    daemon: Daemon,
  ): Promise<void> {
    const end = performance.now() + TIMEOUT;
    while (!await condition()) {
      const isOver = performance.now() > end ||
        /critical error/.test(this.logs());
      if (isOver) throw new Error(`${daemon} doesn't start: ${this.logs()}`);
      await delay(20);
    }
  }

  async #run(command: string, args: readonly string[]): Promise<Outcome> {
    const env = { ...this.env, SGE_SINGLE_LINE: "1" };
    return await runProgram(`${LIB}/${command}`, args, env);
  }
}
