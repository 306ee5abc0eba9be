/**
 * Drives GNU parallel, which starts a process for each task:
 * `deno run -A parallel_driver.ts <workers>`.
 *
 * @module
 */

import { join } from "node:path";
import type { Answer, Request } from "../requests.ts";
import { serve } from "./js_driver.mjs";

const [workers = "1"] = Deno.args;

const PARALLEL = ["parallel", "--will-cite", "--jobs", workers];

await serve(async () => {
  const [, version = ""] = (await versionText()).match(/(\d+)\s*$/m) ?? [];
  return {
    version,
    runtime: "sh",
    perform: (request) => perform(request as Request),
    close() {},
  };
});

async function versionText(): Promise<string> {
  try {
    const command = new Deno.Command("parallel", { args: ["--version"] });
    const { stdout } = await command.output();
    return new TextDecoder().decode(stdout).split("\n")[0]!;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error("parallel isn't in PATH");
  }
}

async function perform(request: Request): Promise<Answer> {
  const { work, count, folder = "", batches = [] } = request;
  switch (work) {
    case "run":
      return { seconds: await time(PARALLEL, new Array(count).fill("true")) };
    case "gzip": {
      const jobs = Array.from(
        { length: count },
        (_, index) => gzipCommand(folder, batches[index % batches.length]!),
      );
      const alone = await time(["sh"], jobs);
      return { seconds: await time(PARALLEL, jobs), alone };
    }
    default:
      throw new TypeError(`There is no work '${work}'`);
  }
}

/** Packs each file, and checks that it unpacks. */
function gzipCommand(folder: string, paths: readonly string[]): string {
  const files = paths.map((path) => quote(join(folder, path))).join(" ");
  return `gzip -c ${files} | gzip -t`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Returns the seconds that a program takes for the commands in its input. */
async function time(
  [program, ...args]: readonly string[],
  commands: readonly string[],
): Promise<number> {
  const start = performance.now();
  const process = new Deno.Command(program!, {
    args,
    stdin: "piped",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const writer = process.stdin.getWriter();
  await writer.write(new TextEncoder().encode(`${commands.join("\n")}\n`));
  await writer.close();
  const { code } = await process.status;
  if (code !== 0) throw new Error(`${program} ended with exit code ${code}`);
  return (performance.now() - start) / 1_000;
}
