/**
 * A real Jupyter kernel for a test, and notebooks. They are driven by Python's
 * jupyter-client and nbclient, and leave nothing behind.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { fileURLToPath } from "node:url";
import { isAlive } from "./processes.ts";

const DRIVER = fileURLToPath(
  new URL("../programs/jupyter_driver.py", import.meta.url),
);

/** The folder of the examples, whose deno.json is this project's. */
export const EXAMPLES: string = fileURLToPath(
  new URL("../../examples", import.meta.url),
);

/** Debian's own Python has its packages; the PATH may begin with another. */
const PYTHON = ["python3", "/usr/bin/python3"].find(hasPackages);

/** How long a cell may take, in milliseconds. */
const TIMEOUT = 60_000;

/** An environment variable that marks the processes of a kernel. */
const MARK = "DISTEX_TEST_KERNEL";

/** Why this machine can't run a {@linkcode JupyterKernel}, if so. */
const problem = Deno.build.os !== "linux"
  ? "needs Linux"
  : PYTHON === undefined
  ? "install the package python3-nbclient"
  : undefined;

function hasPackages(python: string): boolean {
  try {
    return new Deno.Command(python, {
      args: ["-c", "import jupyter_client, nbclient, nbformat"],
      stdout: "null",
      stderr: "null",
    }).outputSync().success;
  } catch {
    return false;
  }
}

/** Declares a test that needs Jupyter, like `Deno.test`. */
export function jupyterTest(name: string, fn: () => Promise<void>): void {
  if (problem) name += ` (skipped: ${problem})`;
  Deno.test({ name, fn, ignore: problem !== undefined });
}

/** Content by its MIME types. */
export type Bundle = Readonly<Record<string, string>>;

/** Something that a cell displays. */
export interface Output {
  /** Such as `"stream"` or `"execute_result"`. */
  readonly output_type: string;
  /** The name of a stream. */
  readonly name?: string;
  /** The text on a stream. */
  readonly text?: string;
  /** The value of the cell. */
  readonly data?: Bundle;
  /** The class and the message of an error. */
  readonly ename?: string;
  readonly evalue?: string;
}

/** A cell of a notebook that was run. */
export interface NotebookCell {
  readonly source: string;
  readonly outputs: readonly Output[];
}

/** A line that the driver prints. */
type Event =
  | { event: "answer"; pid?: number; cell?: string }
  | { event: "output" | "reply"; cell: string; type: string; content: Content };

type Content = Readonly<Record<string, unknown>> & Omit<Output, "output_type">;

/** A folder in which Deno's kernel is installed. */
class JupyterFolder implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async make(): Promise<JupyterFolder> {
    const folder = new JupyterFolder(
      await Deno.makeTempDir({ prefix: "distex-jupyter-" }),
    );
    try {
      await Deno.mkdir(folder.temporary);
      await folder.#install();
      return folder;
    } catch (error) {
      await folder[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The folder for temporary files. */
  get temporary(): string {
    return `${this.path}/tmp`;
  }

  /** The environment of the driver and of the kernel. */
  get env(): Record<string, string> {
    return {
      JUPYTER_DATA_DIR: `${this.path}/data/jupyter`,
      JUPYTER_CONFIG_DIR: `${this.path}/config`,
      JUPYTER_RUNTIME_DIR: `${this.path}/runtime`,
      PYTHONDONTWRITEBYTECODE: "1",
      TMPDIR: this.temporary,
      NO_COLOR: "1",
      [MARK]: this.path,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }

  async #install(): Promise<void> {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["jupyter", "--install"],
      env: { XDG_DATA_HOME: `${this.path}/data` },
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  }
}

/**
 * Runs a notebook from its first cell to its last with nbclient.
 *
 * @returns Its cells. An output that the kernel sends after the end of its cell
 * is missing.
 * @throws {Error} If a cell throws.
 */
export async function runNotebook(path: string): Promise<NotebookCell[]> {
  await using folder = await JupyterFolder.make();
  const { success, stdout, stderr } = await new Deno.Command(PYTHON!, {
    args: [DRIVER, "notebook", path],
    env: folder.env,
    stdin: "null",
    detached: true,
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  if (!success) throw new Error(text(stderr));
  return text(stdout).trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** A cell that was sent to a kernel. */
export class Cell {
  readonly #ended = Promise.withResolvers<Content>();
  readonly #outputs: Output[] = [];
  readonly #lost: Promise<never>;
  #changed = Promise.withResolvers<void>();

  /** Constructs a cell; `lost` rejects when the kernel sends nothing more. */
  constructor(lost: Promise<never>) {
    this.#lost = lost;
  }

  /** Waits until the kernel reports the cell's end. */
  async end(): Promise<void> {
    const { ename, evalue } = await this.#wait(this.#ended.promise);
    if (ename !== undefined) throw new Error(`${ename}: ${evalue}`);
  }

  /** Waits until the cell throws, and returns the error's message. */
  async message(): Promise<string> {
    const { evalue } = await this.#wait(this.#ended.promise);
    return evalue ?? "";
  }

  /** Waits for the cell's value, which may arrive after its end. */
  async data(): Promise<Bundle> {
    await this.end();
    return await this.#find(({ data }) => data);
  }

  /** Waits for the cell's value as text. */
  async value(): Promise<string> {
    return (await this.data())["text/plain"] ?? "";
  }

  /** Waits until the cell has printed a text. */
  async printed(stream: "stdout" | "stderr", text: string): Promise<void> {
    await this.#find(({ name }) => {
      if (name !== stream) return undefined;
      const texts = this.#outputs.map((output) =>
        output.name === stream ? output.text : ""
      );
      return texts.join("").includes(text) || undefined;
    });
  }

  /** Waits until the cell has displayed a text, or updated a display so. */
  async displayed(pattern: RegExp): Promise<void> {
    await this.#find(({ data }) =>
      pattern.test(data?.["text/plain"] ?? "") || undefined
    );
  }

  /** Takes a message about the cell. */
  receive(type: string, content: Content): void {
    if (type === "execute_reply") this.#ended.resolve(content);
    this.#outputs.push({ ...content, output_type: type });
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #find<Found>(
    find: (output: Output) => Found | undefined,
  ): Promise<Found> {
    for (;;) {
      for (const output of this.#outputs) {
        const found = find(output);
        if (found !== undefined) return found;
      }
      await this.#wait(this.#changed.promise);
    }
  }

  async #wait<T>(promise: Promise<T>): Promise<T> {
    try {
      return await deadline(Promise.race([promise, this.#lost]), TIMEOUT);
    } catch (cause) {
      const outputs = JSON.stringify(this.#outputs);
      throw new Error(`The cell has displayed only ${outputs}`, { cause });
    }
  }
}

/** A kernel that runs cells. */
export class JupyterKernel implements AsyncDisposable {
  readonly #folder: JupyterFolder;
  readonly #driver: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array>;
  readonly #cells = new Map<string, Cell>();
  readonly #errors: Promise<string>;
  readonly #lost = Promise.withResolvers<never>();
  #lastCell: Cell | undefined;
  #answer = Promise.withResolvers<void>();
  #pid = 0;

  private constructor(folder: JupyterFolder, notebookFolder: string) {
    this.#folder = folder;
    this.#driver = new Deno.Command(PYTHON!, {
      args: [DRIVER, "kernel", notebookFolder],
      env: folder.env,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // Whoever kills the tests' process group must leave it time to clean up.
      detached: true,
    }).spawn();
    this.#requests = this.#driver.stdin.getWriter();
    this.#errors = new Response(this.#driver.stderr).text();
    this.#lost.promise.catch(() => {});
    this.#read();
  }

  /** Starts a kernel for a notebook in a folder. */
  static async start(notebookFolder = EXAMPLES): Promise<JupyterKernel> {
    const folder = await JupyterFolder.make();
    const kernel = new JupyterKernel(folder, notebookFolder);
    try {
      await kernel.#answered();
      return kernel;
    } catch (error) {
      await kernel[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The process id of the kernel. */
  get pid(): number {
    return this.#pid;
  }

  /** The kernel's processes that are running, and its own descendants. */
  get processes(): number[] {
    const mark = `${MARK}=${this.#folder.path}\0`;
    return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
      .filter((pid) =>
        pid > 0 && pid !== this.#driver.pid && isAlive(pid) &&
        environmentOf(pid).includes(mark)
      );
  }

  /** The names of the pools' folders that exist. */
  get poolFolders(): string[] {
    return [...Deno.readDirSync(this.#folder.temporary)]
      .map(({ name }) => name).filter((name) => name.startsWith("distex-"));
  }

  /** Sends a cell. */
  async send(code: string): Promise<Cell> {
    await this.#request({ method: "run", code });
    return this.#lastCell!;
  }

  /** Runs a cell to its end. */
  async run(code: string): Promise<void> {
    await (await this.send(code)).end();
  }

  /** Runs a cell and returns its value as text. */
  async value(code: string): Promise<string> {
    return await (await this.send(code)).value();
  }

  /** Interrupts the kernel, as Jupyter's stop button does. */
  async interrupt(): Promise<void> {
    await this.#request({ method: "interrupt" });
  }

  /** Restarts the kernel; if `now`, by killing it and its process group. */
  async restart(now: boolean): Promise<void> {
    await this.#request({ method: "restart", now });
  }

  /** Ends the kernel. */
  async shutdown(): Promise<void> {
    await this.#request({ method: "shutdown" });
  }

  /** Ends the kernel and its driver, and removes its files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#requests.close().catch(() => {});
    await this.#driver.status;
    await this.#errors;
    await this.#folder[Symbol.asyncDispose]();
  }

  async #request(request: Readonly<Record<string, unknown>>): Promise<void> {
    this.#answer = Promise.withResolvers();
    const line = new TextEncoder().encode(`${JSON.stringify(request)}\n`);
    await this.#requests.write(line);
    await this.#answered();
  }

  async #answered(): Promise<void> {
    await Promise.race([this.#answer.promise, this.#lost.promise]);
  }

  async #read(): Promise<void> {
    const texts = this.#driver.stdout.pipeThrough(new TextDecoderStream());
    let begun = "";
    for await (const text of texts) {
      const lines = (begun + text).split("\n");
      begun = lines.pop()!;
      for (const line of lines) this.#receive(JSON.parse(line));
    }
    const errors = await this.#errors;
    this.#lost.reject(new Error(`The driver has ended: ${errors}`));
  }

  #receive(event: Event): void {
    if (event.event !== "answer") {
      return this.#cells.get(event.cell)?.receive(event.type, event.content);
    }
    this.#pid = event.pid ?? this.#pid;
    if (event.cell !== undefined) {
      this.#lastCell = new Cell(this.#lost.promise);
      this.#cells.set(event.cell, this.#lastCell);
    }
    this.#answer.resolve();
  }
}

function environmentOf(pid: number): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/environ`);
  } catch {
    // The process has ended.
    return "";
  }
}
