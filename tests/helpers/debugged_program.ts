import type { PoolOptions } from "../../mod.ts";
import { DebuggerClient } from "./debugger_client.ts";
import { LoggedProcess } from "./logged_process.ts";

const PROGRAM = new URL("../programs/debugged_pool.ts", import.meta.url).href;

/** A program that runs a task until a debugger changes what it returns. */
export class DebuggedProgram extends LoggedProcess {
  /**
   * Starts it.
   *
   * @param program The program; by default, its task is in a module.
   * @param denoArgs Arguments of its `deno run`.
   */
  static async start(
    options: PoolOptions,
    { program = PROGRAM, denoArgs = [] }: {
      program?: string;
      denoArgs?: string[];
    } = {},
  ): Promise<DebuggedProgram> {
    const folder = await Deno.makeTempDir({ prefix: "distex-debugged-" });
    const [first, ...others] = [...denoArgs, program, JSON.stringify(options)];
    return new DebuggedProgram("program", first!, others, folder);
  }

  /** Connects to the first debugger that it announces. */
  async connect(): Promise<DebuggerClient> {
    const line = await this.logged(/ ws:\/\//);
    return await DebuggerClient.connect(line.match(/ws:\S+/)![0]);
  }
}
