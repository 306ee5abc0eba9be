/** The outcome of a program of bench/. */
export interface BenchOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program of bench/, by its path in that folder, to its end. */
export async function runBench(
  script: string,
  ...args: string[]
): Promise<BenchOutcome> {
  const url = new URL(`../../bench/${script}`, import.meta.url);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", url.href, ...args],
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}
