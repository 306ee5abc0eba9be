import type { ClusterHostOptions } from "./cluster_host_options.ts";
import { checkClusterOptions, inHost } from "./cluster_settings.ts";
import { checkInteger, checkStrings, wrongValue } from "./option_checks.ts";
import { mostWorkers, type WorkerCount } from "./worker_count.ts";

/**
 * The options of a host whose workers are started by any command.
 *
 * The pool runs the command once for each agent. These words are replaced in
 * `launch`:
 *
 * - `{command}`: the command line that runs an agent. As an argument of its
 *   own, it becomes several arguments; within a text, it is quoted for a shell,
 *   as in `["sh", "-c", "exec {command}"]`.
 * - `{name}`: the name of the request, unique: letters, digits and hyphens.
 * - `{job}`: the name of the agent, unique: that of the request and a number.
 * - `{workers}`: how many workers the agent starts.
 * - `{folder}`: the folder of the pool's files, which the agent reads.
 *
 * All but `{command}` are replaced in `end` and `query` too. A word after a
 * dollar sign, as in `${HOME}`, is left to the shell.
 *
 * @example Usage
 * ```ts ignore
 * import { Pool, type TemplateOptions } from "@distex/pool";
 *
 * const lsf: TemplateOptions = {
 *   launch: ["bsub", "-J", "{job}", "-n", "{workers}", "{command}"],
 *   end: ["bkill", "-J", "{job}"],
 *   workers: 64,
 *   workersPerJob: 8,
 * };
 * await using pool = new Pool({ workers: 0, hosts: lsf });
 * ```
 */
export interface TemplateOptions extends ClusterHostOptions {
  /** The command that starts an agent. One of its arguments has `{command}`. */
  readonly launch: readonly string[];
  /**
   * The command that ends an agent. By default, the pool ends the process that
   * `launch` has started, which must stay in the foreground then.
   */
  readonly end?: readonly string[];
  /**
   * The command that asks after an agent. It prints the word `pending`,
   * `running` or `ended`, and may print a reason after it; or it prints none of
   * these, and exits with 0 as long as the agent runs. By default, an agent
   * runs until the process that `launch` has started fails, or, if it
   * succeeds at once, until the agent leaves.
   */
  readonly query?: readonly string[];
  /** How many workers run there, or a range within which that changes. */
  readonly workers: WorkerCount;
}

/** The options of a {@linkcode TemplateOptions}, checked. */
export interface TemplateSettings {
  /** The name of the host in messages. */
  readonly name: string;
  /** See {@linkcode TemplateOptions.launch}. */
  readonly launch: readonly string[];
  /** See {@linkcode TemplateOptions.end}. */
  readonly end: readonly string[] | undefined;
  /** See {@linkcode TemplateOptions.query}. */
  readonly query: readonly string[] | undefined;
  /** Whether the process that `launch` starts ends when the agent does. */
  readonly isForeground: boolean;
}

const ALL = ["command", "name", "job", "workers", "folder"];

/**
 * A word in braces. `{{.State}}` and JSON have none, and `${HOME}` is a
 * variable of the shell.
 */
export const PLACEHOLDER: RegExp = /(?<!\$)\{([A-Za-z]\w*)\}/g;

/**
 * Checks the options of a host whose workers are started by any command.
 *
 * @throws {TypeError} If an option doesn't exist or has the wrong type.
 * @throws {RangeError} If an option is out of range.
 */
export function templateSettings(options: TemplateOptions): TemplateSettings {
  const { launch, end, query, workers } = options;
  checkStrings("launch", launch);
  const name = options.name ?? nameOf(launch);
  checkClusterOptions(name, options, { launch: true, end: true, query: true });
  inHost(name, () => {
    checkInteger("workers", mostWorkers(workers), 1);
    checkCommand("launch", launch, ALL);
    if (!launch.some((text) => text.includes("{command}"))) {
      throw new RangeError(
        "the option 'launch' must have the placeholder {command}: the pool puts the command line of an agent there",
      );
    }
    const index = launch.indexOf("{command}");
    if (launch[index - 1] === "-c") {
      throw new RangeError(
        "the option 'launch' has -c before {command}, which becomes several arguments there, but a shell takes one: write 'exec {command}'",
      );
    }
    const others = ALL.filter((word) => word !== "command");
    checkCommand("end", end, others);
    checkCommand("query", query, others);
  });
  return { name, launch, end, query, isForeground: end === undefined };
}

/** The name of the program, without its folder. */
function nameOf(launch: readonly string[]): string {
  return launch[0]?.split(/[/\\]/).at(-1) || "launch";
}

function checkCommand(
  option: string,
  command: readonly string[] | undefined,
  known: readonly string[],
): void {
  if (command === undefined) return;
  checkStrings(option, command);
  if (command.length === 0) {
    throw wrongValue(option, command, "a program and its arguments");
  }
  for (const text of command) {
    for (const [placeholder, word] of text.matchAll(PLACEHOLDER)) {
      if (known.includes(word!)) continue;
      const all = known.map((word) => `{${word}}`).join(", ");
      throw new RangeError(
        `the option '${option}' has the placeholder ${placeholder}, but can only have ${all}: write { ${word} } with spaces for the text itself`,
      );
    }
  }
}
