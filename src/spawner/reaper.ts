/**
 * Reads the process ids that the pool tells it, until the pool ends. Then it
 * kills those that are still there and removes the pool's folder, if any. Those
 * that end by themselves, it gives some seconds for that.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM
pids=' ' ending=' '
while read -r event pid; do
  case $event in
    started) pids="$pids$pid " ;;
    ending) ending="$ending$pid " ;;
    ended)
      case $pids in *" $pid "*)
        pids="\${pids%%" $pid "*} \${pids#*" $pid "}" ;;
      esac
      case $ending in *" $pid "*)
        ending="\${ending%%" $pid "*} \${ending#*" $pid "}" ;;
      esac ;;
  esac
done
[ "$pids" = ' ' ] || kill -KILL $pids 2>/dev/null
[ -z "$1" ] || rm -rf "$1"
for second in 1 2 3 4 5; do
  left=
  for pid in $ending; do
    if kill -0 $pid 2>/dev/null; then left="$left $pid"; fi
  done
  ending=$left
  [ "$left" ] || exit
  sleep 1
done
kill -KILL $ending 2>/dev/null
`;

/**
 * A small shell process that outlives the pool's by a moment, and so can tidy
 * up after it however it ended, SIGKILL included. A worker that is busy in a
 * synchronous task wouldn't notice by itself.
 */
export class Reaper {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;

  /**
   * Starts the process; `folder` is what it removes at the end.
   *
   * @throws {Error} If that isn't possible.
   */
  constructor(folder: string | undefined) {
    this.#child = start(folder ?? "");
    this.#child.unref();
    this.#writer = this.#child.stdin.getWriter();
  }

  /** Whether this system has a shell for it. */
  static get isSupported(): boolean {
    return Deno.build.os !== "windows";
  }

  /**
   * Watches over a process until it has ended.
   *
   * @param endsItself Whether it ends by itself, soon after the pool's process:
   * if it does, nothing is done to it.
   */
  watch(child: Deno.ChildProcess, endsItself = false): void {
    this.#tell(`${endsItself ? "ending" : "started"} ${child.pid}`);
    child.status.then(() => this.#tell(`ended ${child.pid}`));
  }

  /** Ends the reaper, as the pool has tidied up itself. */
  async close(): Promise<void> {
    this.#child.ref();
    await this.#writer.close().catch(() => {});
    await this.#child.status;
  }

  #tell(line: string): void {
    // A reaper that was killed is missed only if the pool is killed too.
    this.#writer.write(new TextEncoder().encode(`${line}\n`)).catch(() => {});
  }
}

function start(folder: string): Deno.ChildProcess {
  try {
    return new Deno.Command("sh", {
      args: ["-c", SCRIPT, "distex-reaper", folder],
      stdin: "piped",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
  } catch (cause) {
    throw new Error(
      `The program 'sh', which ends the workers should this program be killed, can't be run (${cause}): it must be in the PATH, and if --allow-run lists programs, sh must be among them`,
      { cause },
    );
  }
}
