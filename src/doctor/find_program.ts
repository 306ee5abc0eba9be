import { delimiter, join } from "node:path";
import { getEnv } from "../util/get_env.ts";

/**
 * Returns the path of a program, as a command would find it.
 *
 * @param name The name or the path of the program.
 * @throws {Error} If there is no such program.
 */
export function findProgram(name: string): string {
  if (/[/\\]/.test(name)) {
    if (isFile(name)) return name;
    throw new Error(`there is no program ${name}`);
  }
  for (const folder of (getEnv("PATH") ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (isFile(path) || isFile(`${path}.exe`)) return path;
  }
  throw new Error(`there is no program '${name}' in the PATH`);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
