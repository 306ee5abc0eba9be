import { EXIT_CODE } from "./slurm_scripts.ts";

/**
 * Returns the exit codes that the tasks of jobs have left in the folder.
 *
 * @returns The exit codes by the id of the agent.
 */
export async function readTaskExits(
  folder: string,
): Promise<Map<string, string>> {
  const exits = new Map<string, string>();
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(EXIT_CODE)) continue;
    const code = (await Deno.readTextFile(`${folder}/${name}`)).trim();
    // The file may be empty for a moment.
    if (code !== "") exits.set(name.slice(0, -EXIT_CODE.length), code);
  }
  return exits;
}
