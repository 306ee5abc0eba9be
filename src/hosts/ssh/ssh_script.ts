/** The oldest Deno that workers run on, as [major, minor]. */
export const MIN_DENO = [2, 9] as const;

/** Where `deno` is looked for if it isn't in the PATH; `~` is home. */
export const DENO_PLACES = [
  "~/.deno/bin/deno",
  "~/.local/bin/deno",
  "/usr/local/bin/deno",
  "/opt/homebrew/bin/deno",
  "/snap/bin/deno",
];

/**
 * What a shell over there does: moves the sockets of the tunnel into a private
 * folder, finds `deno`, takes the pool's program from standard input and runs
 * it; when that ends, so does all. The first line of input is the secret.
 *
 * It is one line without single quotes, backslashes and exclamation marks, as
 * the user's login shell, which may be a csh or a fish, has to take it as an
 * argument of `sh -c`. What is given to a command can be seen by all users, so
 * the secret is given to one that is part of every shell, which `printf` isn't.
 * Arguments: the folder, the path of `deno` or nothing, the program's length, a
 * number.
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
  '[ -n "$deno" ] || fail "deno $PATH"',
  'v=$("$deno" --version 2>/dev/null) || fail "no-run $deno: $("$deno" --version 2>&1)"',
  "v=${v#deno }; v=${v%% *}; major=${v%%.*}; minor=${v#*.}; minor=${minor%%.*}",
  '{ [ "$major" -ge 0 ] && [ "$minor" -ge 0 ]; } 2>/dev/null || fail "no-run $deno is no deno, its version is $v"',
  `[ "$major" -gt ${MIN_DENO[0]} ] || { [ "$major" -eq ${
    MIN_DENO[0]
  } ] && [ "$minor" -ge ${MIN_DENO[1]} ]; } || fail "version $v $deno"`,
  "IFS= read -r secret",
  'cat >"$d/program.js" && [ "$(($(wc -c <"$d/program.js")))" -eq "$3" ] || fail folder',
  // Files of tasks are to be as those of any program there.
  'umask "$umask"',
  'echo "$secret" | "$deno" run -A --quiet --no-config --no-prompt "$d/program.js" --folder "$d" --number "$4"',
].join("; ");

/** The command line that ssh hands to the shell over there. */
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
