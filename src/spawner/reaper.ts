import { denoPath } from "../util/deno_path.ts";
import { Child } from "./child.ts";

/**
 * Reads process ids and commands from the pool until the pool ends. Then it
 * kills the processes that still run, removes the pool's folder, if any, and
 * runs the commands. Processes that should end by themselves get a few seconds
 * first.
 */
const SCRIPT = `
trap '' HUP INT QUIT TERM
pids=' ' ending=' ' keys=' '
while read -r event pid; do
  case $event in
    started) pids="$pids$pid " ;;
    ending) ending="$ending$pid " ;;
    at-end)
      key=\${pid%% *}
      case $keys in *" $key "*) ;; *) keys="$keys$key " ;; esac
      eval "command_$key=\\\${pid#\$key}" ;;
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
for key in $keys; do
  eval "command=\\$command_$key"
  eval "$(printf %b "$command")" </dev/null >/dev/null 2>&1
done
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

/** A process to watch. */
type WatchedProcess = Pick<Child, "pid" | "status">;

/**
 * A small shell process that outlives the program and cleans up after it, even
 * after SIGKILL. A worker that is busy in a synchronous task wouldn't notice
 * that the program has ended.
 */
export class Reaper {
  readonly #child: Child;
  #commands = 0;

  /**
   * Starts the process.
   *
   * @param folder The folder to remove at the end, if any.
   * @throws {Error} If `sh` can't be run.
   */
  constructor(folder: string | undefined) {
    this.#child = start(folder ?? "");
  }

  /** Whether this system has `sh`. */
  static get isSupported(): boolean {
    return Deno.build.os !== "windows";
  }

  /**
   * Watches a process until it has ended.
   *
   * @param endsItself Whether the process should end by itself soon after the
   * program; it is killed only if it doesn't.
   */
  watch(process: WatchedProcess, endsItself = false): void {
    const event = endsItself ? "ending" : "started";
    // If the reaper was killed, that matters only if the program is killed too.
    this.#child.write(`${event} ${process.pid}\n`);
    process.status.then(() => this.#child.write(`ended ${process.pid}\n`));
  }

  /**
   * Reserves a place for a command that runs at the end, after those whose place
   * was reserved before.
   *
   * @returns A function that sets the command: a program and its arguments, or
   * `undefined` for none. The latest call counts.
   */
  atEnd(): (command: readonly string[] | undefined) => void {
    const key = this.#commands++;
    const set = (command: readonly string[] = []) => {
      this.#child.write(`at-end ${key} ${command.map(quote).join(" ")}\n`);
    };
    set();
    return set;
  }

  /** Ends the reaper; call it when the program has ended all processes. */
  async close(): Promise<void> {
    this.#child.ref();
    await this.#child.endInput();
    await this.#child.status;
  }
}

/** Quotes an argument for the shell, in one line that `printf %b` decodes. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
    .replace(/[\\\n]/g, (char) => char === "\n" ? "\\012" : "\\0134");
}

function start(folder: string): Child {
  try {
    return new Child(
      new Deno.Command("sh", {
        args: ["-c", SCRIPT, "distex-reaper", folder],
        stdin: "piped",
        stdout: "null",
        stderr: "inherit",
        // Whoever kills the whole process group must not kill the reaper too.
        detached: true,
      }).spawn(),
    );
  } catch (cause) {
    throw new Error(
      `Can't run the program 'sh', which ends the workers if this program is killed (${cause}): it must be in the PATH, and a list of --allow-run must include it, as in --allow-run=${denoPath()},sh`,
      { cause },
    );
  }
}
