import { join } from "node:path";
import { MissingPeerError } from "./peer_process.ts";

const DRIVERS = new URL("drivers/", import.meta.url);

/**
 * A temporary folder with the drivers for Node and the packages that they need.
 * npm keeps the packages in its cache.
 */
export class NodeFolder implements AsyncDisposable {
  #path: Promise<string> | undefined;
  #made: string | undefined;

  /**
   * Returns the path of the folder, which the first call makes.
   *
   * @throws {MissingPeerError} If there is no Node, or if npm fails.
   */
  get(): Promise<string> {
    return this.#path ??= this.#make();
  }

  async #make(): Promise<string> {
    // Deno runs itself if there is no Node.
    const deno = await run("node", ["-p", "process.versions.deno ?? ''"]);
    if (deno.trim() !== "") throw notFound("node");
    const path = this.#made = await Deno.makeTempDir({ prefix: "peers-" });
    for await (const { name } of Deno.readDir(DRIVERS)) {
      if (!/\.[cm]js$/.test(name)) continue;
      await Deno.copyFile(new URL(name, DRIVERS), join(path, name));
    }
    await Deno.copyFile(
      new URL("node_packages.json", DRIVERS),
      join(path, "package.json"),
    );
    await run("npm", [
      "install",
      "--prefer-offline",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--fetch-retries=0",
    ], path);
    return path;
  }

  /** Removes the folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#path?.catch(() => {});
    const made = this.#made;
    // A signal may end the program while it is ending.
    this.#made = undefined;
    if (made !== undefined) await Deno.remove(made, { recursive: true });
  }
}

/**
 * Runs a program and returns its output.
 *
 * @throws {MissingPeerError} If there is no such program, or if it fails.
 */
async function run(
  program: string,
  args: string[],
  cwd?: string,
): Promise<string> {
  const command = new Deno.Command(program, {
    args,
    ...cwd !== undefined && { cwd },
    stdin: "null",
  });
  let output: Deno.CommandOutput;
  try {
    output = await command.output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw notFound(program);
  }
  const [stdout, stderr] = [output.stdout, output.stderr]
    .map((bytes) => new TextDecoder().decode(bytes));
  if (output.success) return stdout!;
  const [reason] = stderr!.split("\n");
  throw new MissingPeerError(`${program} ${args[0]} failed: ${reason}`);
}

function notFound(program: string): MissingPeerError {
  return new MissingPeerError(`${program} isn't in PATH`);
}
