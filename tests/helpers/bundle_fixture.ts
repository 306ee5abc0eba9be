import { assert } from "@std/assert";
import { fileURLToPath, pathToFileURL } from "node:url";

const IMPORTER = fileURLToPath(
  import.meta.resolve("../programs/bundle_import.ts"),
);

/** The name of an export and the arguments of a call. */
export type Call = readonly [name: string, ...args: unknown[]];

/** The outcome of a call: a value, or an error. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly name: string; readonly stack: string };

/** A folder that is removed at the end of its scope. */
export class Project implements AsyncDisposable {
  private constructor(
    /** The folder's path. */
    readonly path: string,
  ) {}

  /** Creates a folder with files, given by path and text. */
  static async with(files: Record<string, string>): Promise<Project> {
    // Deno resolves symbolic links too when it prints paths.
    const project = new Project(await Deno.realPath(await Deno.makeTempDir()));
    for (const [path, text] of Object.entries(files)) {
      await project.write(path, text);
    }
    return project;
  }

  /** Returns the URL of an unescaped path in the folder. */
  url(path: string): string {
    return pathToFileURL(`${this.path}/${path}`).href;
  }

  /** Writes a file, and creates its folder. */
  async write(path: string, text: string): Promise<void> {
    const url = new URL(this.url(path));
    await Deno.mkdir(new URL("./", url), { recursive: true });
    await Deno.writeTextFile(url, text);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Runs `deno` until it exits. */
export async function runDeno(
  args: readonly string[],
  { env = {}, stdin = "" }: { env?: Record<string, string>; stdin?: string } =
    {},
): Promise<{ success: boolean; stdout: string; stderr: string }> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [output] = await Promise.all([
    child.output(),
    new Blob([stdin]).stream().pipeTo(child.stdin),
  ]);
  return {
    success: output.success,
    stdout: new TextDecoder().decode(output.stdout),
    stderr: new TextDecoder().decode(output.stderr),
  };
}

/** Calls exports of a bundle in a process without permissions. */
export async function callBundle(
  code: string,
  ...calls: Call[]
): Promise<Outcome[]> {
  const { success, stdout, stderr } = await importBundle(code, calls, false);
  assert(success, stderr);
  return JSON.parse(stdout);
}

/** Returns what Deno prints when a call of a bundle throws. */
export async function failBundle(code: string, name: string): Promise<string> {
  const { success, stderr } = await importBundle(code, [[name]], true);
  assert(!success, stderr);
  return stderr;
}

/** Returns the value of a single call of a bundle. */
export async function valueOf(code: string, ...call: Call): Promise<unknown> {
  const [outcome] = await callBundle(code, call);
  assert("value" in outcome!, JSON.stringify(outcome));
  return outcome.value;
}

/** Returns the stack of the error that a single call of a bundle throws. */
export async function stackOf(code: string, ...call: Call): Promise<string> {
  const [outcome] = await callBundle(code, call);
  assert("stack" in outcome!, JSON.stringify(outcome));
  return outcome.stack;
}

function importBundle(code: string, calls: Call[], uncaught: boolean) {
  return runDeno(["run", "--no-prompt", "--no-config", IMPORTER], {
    stdin: JSON.stringify({ code, calls, uncaught }),
  });
}
