/**
 * Podman for a test: its images and containers are in a folder of its own. There
 * is one image, which is empty: containers see this machine's programs.
 *
 * @module
 */

import { dirname } from "node:path";
import { Reaper } from "../../src/spawner/reaper.ts";
import { until } from "./processes.ts";
import { runProgram } from "./run_program.ts";
import { findProgram } from "./ssh_files.ts";

/** The image of containers. */
export const IMAGE = "localhost/distex-test";

/** The folders of this machine that containers see. */
const FOLDERS = ["/usr", "/lib", "/lib64", "/bin", "/etc"];

/** Podman with a storage of its own. */
export class Podman implements AsyncDisposable {
  readonly #folder: string;
  readonly #reaper = new Reaper(undefined);
  readonly #cleanUp = this.#reaper.atEnd();
  /** The environment in which `podman` uses this storage. */
  readonly env: Readonly<Record<string, string>>;

  private constructor() {
    this.#folder = Deno.makeTempDirSync({ prefix: "distex-podman-" });
    this.env = {
      CONTAINERS_CONF: `${this.#folder}/containers.conf`,
      CONTAINERS_STORAGE_CONF: `${this.#folder}/storage.conf`,
    };
    Deno.writeTextFileSync(this.env.CONTAINERS_CONF!, CONTAINERS);
    Deno.writeTextFileSync(
      this.env.CONTAINERS_STORAGE_CONF!,
      `[storage]
driver = "vfs"
graphroot = "${this.#folder}/graph"
runroot = "${this.#folder}/run"
`,
    );
  }

  /** Cleans up if this process is killed. */
  #guard(): void {
    const env = Object.entries(this.env).map((pair) => pair.join("="));
    const script =
      'podman rm --all --force --time=0; rm -rf "$0" || { sleep 1; rm -rf "$0"; }';
    this.#cleanUp(["env", ...env, "sh", "-c", script, this.#folder]);
  }

  /** @throws {Error} If this machine can't run containers. */
  static async start(): Promise<Podman> {
    const podman = new Podman();
    podman.#guard();
    try {
      const tar = `${podman.#folder}/empty.tar`;
      await runProgram("tar", ["-cf", tar, "--files-from=/dev/null"]);
      await podman.run("import", "--quiet", tar, IMAGE);
      await podman.run("run", "--rm", IMAGE, "true");
      return podman;
    } catch (error) {
      await podman.stop();
      throw error;
    }
  }

  /** Runs a command; returns its output. */
  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runProgram("podman", args, this.env);
    if (code === 0) return stdout.trim();
    throw new Error(`podman ${args[0]} failed (${code}): ${stderr}`);
  }

  /** Removes all containers and files. */
  async stop(): Promise<void> {
    await this.run("rm", "--all", "--force", "--time=0").catch(() => {});
    // Podman cleans up after a container in the background.
    await until(() => !isInUse(this.#folder));
    await Deno.remove(this.#folder, { recursive: true });
    this.#cleanUp(undefined);
    await this.#reaper.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Whether a process has the path of a folder in its environment. */
function isInUse(folder: string): boolean {
  return [...Deno.readDirSync("/proc")].some(({ name }) => {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) return false;
    try {
      return Deno.readTextFileSync(`/proc/${name}/environ`).includes(folder);
    } catch {
      // It has ended, or is another user's.
      return false;
    }
  });
}

function list(items: readonly string[]): string {
  return `[${items.map((item) => JSON.stringify(item)).join(", ")}]`;
}

const runtimes = ["runc", "crun"].flatMap((name) => findProgram(name) ?? []);

/** A machine that is a container itself may allow neither networks nor limits. */
const CONTAINERS = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
netns = "host"
log_driver = "none"
volumes = ${
  list([
    "/sys:/sys",
    ...[...FOLDERS, dirname(Deno.execPath())].map((path) =>
      `${path}:${path}:ro`
    ),
  ])
}
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
runtime = "first"
[engine.runtimes]
first = ${list(runtimes)}
`;

/** Why Podman isn't there, if so. */
const missing = Deno.build.os !== "linux"
  ? "needs Linux"
  : findProgram("podman")
  ? undefined
  : "install the packages podman and runc";

/** Why this machine can't run containers although Podman is there, if so. */
const failure = missing === undefined ? await findFailure() : undefined;

async function findFailure(): Promise<string | undefined> {
  try {
    await (await Podman.start()).stop();
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Declares a test that needs Podman, like `Deno.test`. Where the system doesn't
 * allow containers, no package helps: there is no such test then.
 *
 * @param fn Gets Podman, and a folder for files. Programs that it starts use
 * this Podman.
 */
export function podmanTest(
  name: string,
  fn: (podman: Podman, folder: string) => Promise<void>,
): void {
  if (failure !== undefined) {
    return console.warn(`There is no test "${name}": ${failure}`);
  }
  if (missing !== undefined) name += ` (skipped: ${missing})`;
  Deno.test({
    name,
    ignore: missing !== undefined,
    async fn() {
      await using podman = await Podman.start();
      const folder = await Deno.makeTempDir();
      for (const [name, value] of Object.entries(podman.env)) {
        Deno.env.set(name, value);
      }
      try {
        await fn(podman, folder);
      } finally {
        for (const name of Object.keys(podman.env)) Deno.env.delete(name);
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
