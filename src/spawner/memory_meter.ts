import { Child } from "./child.ts";

/**
 * Reads lines of process ids. Prints the resident memory of each process, in
 * bytes, then a line with a point. Linux has it in /proc, which needs no further
 * process; elsewhere, `ps` prints it.
 */
const SCRIPT = `
page=$(getconf PAGESIZE 2>/dev/null || echo 4096)
while read -r pids; do
  for pid in $pids; do
    if { read -r total pages rest < /proc/$pid/statm; } 2>/dev/null
    then echo "$pid $((pages * page))"
    else
      set -- $(ps -o rss= -p $pid 2>/dev/null)
      [ -z "$1" ] || echo "$pid $(($1 * 1024))"
    fi
  done
  echo .
done
`;

/**
 * Measures the resident memory of processes on this machine.
 *
 * A shell does that, which the pool may run in any case: to read the memory of
 * other processes itself, a program needs all permissions.
 */
export class MemoryMeter {
  readonly #child: Child;
  #text = "";
  #hasEnded = false;
  #answer: PromiseWithResolvers<Map<number, number>> | undefined;

  /**
   * Starts the shell.
   *
   * @throws {Error} If `sh` can't be run.
   */
  constructor() {
    this.#child = new Child(
      new Deno.Command("sh", {
        args: ["-c", SCRIPT, "distex-memory"],
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
        // Ctrl-C reaches the whole process group.
        detached: true,
      }).spawn(),
    );
    this.#child.readOutput({ stdout: (bytes) => this.#read(bytes) })
      .then(() => {
        this.#hasEnded = true;
        this.#answer?.resolve(new Map());
      });
  }

  /** Whether this system has `sh`. */
  static get isSupported(): boolean {
    return Deno.build.os !== "windows";
  }

  /**
   * Measures processes, after earlier calls have returned.
   *
   * @returns The memory of each process that was found, in bytes; nothing if the
   * shell has ended.
   */
  async measure(pids: Iterable<number>): Promise<Map<number, number>> {
    if (this.#hasEnded) return new Map();
    const answer = Promise.withResolvers<Map<number, number>>();
    this.#answer = answer;
    this.#child.write(`${[...pids].join(" ")}\n`);
    return await answer.promise;
  }

  /** Ends the shell. */
  async close(): Promise<void> {
    this.#child.ref();
    await this.#child.endInput();
    await this.#child.status;
  }

  #read(bytes: Uint8Array): void {
    this.#text += new TextDecoder().decode(bytes);
    if (!this.#text.endsWith(".\n")) return;
    const lines = this.#text.split("\n").slice(0, -2);
    this.#text = "";
    this.#answer?.resolve(
      new Map(lines.map((line) => {
        const [pid, memory] = line.split(" ");
        return [Number(pid), Number(memory)];
      })),
    );
  }
}
