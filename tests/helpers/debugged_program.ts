import type { PoolOptions } from "../../mod.ts";
import { DebuggerClient } from "./debugger_client.ts";
import { LoggedProcess } from "./logged_process.ts";

const PROGRAM = new URL("../programs/debugged_pool.ts", import.meta.url).href;

/** The program `programs/debugged_pool.ts`. */
export class DebuggedProgram extends LoggedProcess {
  /**
   * Starts it.
   *
   * @param denoArgs Arguments of its `deno run`.
   */
  static async start(
    options: PoolOptions,
    ...denoArgs: string[]
  ): Promise<DebuggedProgram> {
    const folder = await Deno.makeTempDir({ prefix: "distex-debugged-" });
    const [first, ...others] = [...denoArgs, PROGRAM, JSON.stringify(options)];
    return new DebuggedProgram("program", first!, others, folder);
  }

  /** Connects to the first debugger that it announces. */
  async connect(): Promise<DebuggerClient> {
    const line = await this.logged(/ ws:\/\//);
    return await DebuggerClient.connect(line.match(/ws:\S+/)![0]);
  }
}
