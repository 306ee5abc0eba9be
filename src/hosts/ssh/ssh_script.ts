/** The oldest Deno that workers run on, as [major, minor]. */
export const MIN_DENO = [2, 9] as const;

/** The paths to try if `deno` isn't in the PATH; `~` is the home folder. */
export const DENO_PLACES = [
  "~/.deno/bin/deno",
  "~/.local/bin/deno",
  "/usr/local/bin/deno",
  "/opt/homebrew/bin/deno",
  "/snap/bin/deno",
];

/** The code with which the script reports a failure. */
export type ScriptFailureCode = "no-deno" | "no-run" | "version" | "folder";

/**
 * The shell script that ssh runs on the host: it moves the sockets of the tunnel
 * into a private folder, finds `deno`, reads the pool's program from standard
 * input and runs it; at the end it removes the folder. The first line of input
 * is the secret. It reports a failure as a line "distex: code detail".
 *
 * It is one line without single quotes, backslashes and exclamation marks, as
 * the user's login shell, which may be csh or fish, parses it as an argument of
 * `sh -c`. All users can see the arguments of commands, so the script passes the
 * secret only to `echo`, which every shell has built in, unlike `printf`.
 *
 * The script's arguments are the folder, the path of `deno` or an empty string,
 * the program's length, and the number that the program connects with.
 */
const SCRIPT = [
  "umask=$(umask); umask 077",
  'd=$1; clean() { rm -rf "$d" "$d.sock" "$d.probe"; }; trap clean EXIT',
  'trap "exit 1" HUP TERM PIPE',
  'fail() { echo "distex: $*" >&2; exit 1; }',
  'mkdir "$d" && mv "$d.sock" "$d/pool.sock" && mv "$d.probe" "$d/probe.sock" || fail folder',
  "deno=$2",
  '[ -n "$deno" ] || deno=$(command -v deno)',
  `for p in ${
    DENO_PLACES.map((place) => `"${place.replace("~", "$HOME")}"`).join(" ")
  }; do [ -n "$deno" ] || { [ -x "$p" ] && deno=$p; }; done`,
  '[ -n "$deno" ] || fail "no-deno $PATH"',
  'v=$("$deno" --version 2>/dev/null) || fail "no-run $deno: $("$deno" --version 2>&1)"',
  "v=${v#deno }; v=${v%% *}; major=${v%%.*}; minor=${v#*.}; minor=${minor%%.*}",
  '{ [ "$major" -ge 0 ] && [ "$minor" -ge 0 ]; } 2>/dev/null || fail "no-run $deno is not deno, its version is $v"',
  `[ "$major" -gt ${MIN_DENO[0]} ] || { [ "$major" -eq ${
    MIN_DENO[0]
  } ] && [ "$minor" -ge ${MIN_DENO[1]} ]; } || fail "version $v at $deno"`,
  "IFS= read -r secret",
  'cat >"$d/program.js" && [ "$(($(wc -c <"$d/program.js")))" -eq "$3" ] || fail folder',
  // Tasks create files with the user's own umask.
  'umask "$umask"',
  'echo "$secret" | "$deno" run -A --quiet --no-config --no-prompt "$d/program.js" --folder "$d" --number "$4"',
].join("; ");

/** The command line for the user's login shell on the host. */
export function remoteCommand(
  folder: string,
  deno: string,
  programLength: number,
  number: number,
): string {
  const args = [folder, deno, String(programLength), String(number)];
  return `exec sh -c '${SCRIPT}' sh ${args.map(quote).join(" ")}`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
