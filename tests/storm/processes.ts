/** A process on this machine. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  /** The name of its program. */
  readonly name: string;
  readonly command: string;
}

/** The environment variable that marks a storm's processes. */
const MARKER = "DISTEX_TEST_STORM";

/** Marks all processes that this one will start. */
export function markProcesses(mark: string): void {
  Deno.env.set(MARKER, mark);
}

/** Returns the environment that marks a process which another one starts. */
export function markedEnv(mark: string): Record<string, string> {
  return { [MARKER]: mark };
}

/** Returns the marked processes, except this one. */
export function markedProcesses(mark: string): Process[] {
  const found: Process[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    const environ = read(pid, "environ").split("\0");
    if (!environ.includes(`${MARKER}=${mark}`)) continue;
    const stat = read(pid, "stat").match(/\((.*)\) [^ZX] (\d+)/s);
    if (stat === null) continue;
    const command = read(pid, "cmdline").split("\0").join(" ");
    found.push({ pid, parent: Number(stat[2]), name: stat[1]!, command });
  }
  return found;
}

/** Reads a file of a process; empty if the process has ended. */
function read(pid: number, file: string): string {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`);
  } catch {
    return "";
  }
}

/** Sends a process a signal, unless it has ended. */
export function signal({ pid }: Process, name: Deno.Signal): void {
  try {
    Deno.kill(pid, name);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof TypeError && error.message.includes("ESRCH");
}

/** Returns the open files of this process by number. */
export function openFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      files.set(name, Deno.readLinkSync(`/proc/self/fd/${name}`));
    } catch {
      // It belonged to the folder itself.
    }
  }
  return files;
}
