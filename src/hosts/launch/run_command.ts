import { Child } from "../../spawner/child.ts";

/** How a command is run. */
export interface CommandOptions {
  /** The text for its standard input; it has none by default. */
  readonly input?: string;
  /** Environment variables, added to the program's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Kills the command. */
  readonly signal?: AbortSignal;
}

/** The end of a command. */
export interface CommandOutcome {
  /** Its exit code. */
  readonly code: number;
  /** Its output. */
  readonly stdout: string;
  /** Its messages, without the white space around them. */
  readonly stderr: string;
}

/**
 * Runs a command of a batch system until it ends.
 *
 * @param args The program and its arguments.
 * @throws {Deno.errors.NotFound} If there is no such program.
 * @throws {unknown} The reason of `signal`, if it is aborted.
 */
export async function runCommand(
  args: readonly string[],
  { input, env = {}, signal }: CommandOptions = {},
): Promise<CommandOutcome> {
  signal?.throwIfAborted();
  const [program = "", ...rest] = args;
  const child = new Child(
    new Deno.Command(program, {
      args: rest,
      env: { ...env },
      stdin: input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn(),
  );
  child.ref();
  const kill = () => child.kill();
  signal?.addEventListener("abort", kill);
  const output = { stdout: "", stderr: "" };
  const reading = (stream: "stdout" | "stderr") => {
    const decoder = new TextDecoder();
    return (bytes: Uint8Array) => {
      output[stream] += decoder.decode(bytes, { stream: true });
    };
  };
  try {
    const ended = child.readOutput({
      stdout: reading("stdout"),
      stderr: reading("stderr"),
    });
    if (input !== undefined) await child.endInput(input);
    const { code } = await ended;
    signal?.throwIfAborted();
    return { code, stdout: output.stdout, stderr: output.stderr.trim() };
  } finally {
    signal?.removeEventListener("abort", kill);
  }
}
