import type { PlannedCommand, PlannedFile } from "../host_plan.ts";

export type { LauncherKind, PlannedCommand, PlannedFile };
import type { LauncherKind } from "../host.ts";

/** A file that agents read. */
export interface LaunchFile {
  /** Its name, without a folder. */
  readonly name: string;
  /** Its content. */
  readonly text: string;
  /** Whether it holds a secret: then only its owner may read it. */
  readonly isSecret: boolean;
}

/** Agents that a host needs, all alike. */
export interface LaunchRequest {
  /** The name of the job: letters, digits and hyphens, unique. */
  readonly name: string;
  /** How many agents to start. */
  readonly agents: number;
  /** How many workers each agent starts. */
  readonly workersPerAgent: number;
  /**
   * The command line of an agent. The launcher appends `--job` and the id of
   * the agent, which may be an expression of the shell.
   */
  readonly command: readonly string[];
  /** Environment variables of an agent. None of them is secret. */
  readonly env: Readonly<Record<string, string>>;
  /** The files that the command refers to, in {@linkcode Launcher.folder}. */
  readonly files: readonly LaunchFile[];
}

/** What a launcher does for a request. */
export interface LaunchPlan {
  /** The files that it writes. */
  readonly files: readonly PlannedFile[];
  /** The commands that it runs, in this order. */
  readonly commands: readonly PlannedCommand[];
}

/** The state of an agent that was asked for. */
export interface AgentState {
  /** Whether it waits for its turn, runs, or has ended. */
  readonly state: "pending" | "running" | "ended";
  /**
   * Why it waits or has ended, in the words of the launcher, such as
   * `"Resources"` or `"TIMEOUT"`; empty if there is no reason.
   */
  readonly reason: string;
}

/** Starts and ends agents through a batch system or another program. */
export interface Launcher {
  /** The kind of the launcher. */
  readonly kind: LauncherKind;
  /**
   * The folder where agents find {@linkcode LaunchRequest.files}.
   *
   * If {@linkcode Launcher.sharesFiles}, the pool writes them there, because the
   * agents' machines share that folder with this one. Otherwise the launcher
   * takes them there.
   */
  readonly folder: string;
  /** See {@linkcode Launcher.folder}. */
  readonly sharesFiles: boolean;
  /** Returns what {@linkcode Launcher.submit} would do. */
  plan(request: LaunchRequest): LaunchPlan;
  /**
   * Asks for agents, all in one request.
   *
   * @param signal Cancels this.
   * @returns The id of each agent; its `--job` has the same value.
   * @throws {HostError} If the launcher can't be used or refuses the request.
   * Nothing of the request is left then.
   */
  submit(
    request: LaunchRequest,
    signal: AbortSignal,
  ): Promise<readonly string[]>;
  /**
   * Returns the states of agents. An agent that the launcher doesn't know any
   * more is missing.
   *
   * @param agents The ids of the agents.
   * @throws {HostError} If the launcher can't be asked now.
   */
  query(
    agents: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, AgentState>>;
  /**
   * Ends agents, whether they wait or run. Does nothing for those that have
   * ended.
   *
   * @param agents The ids of the agents.
   * @throws {HostError} If the launcher can't be asked now.
   */
  cancel(agents: readonly string[]): Promise<void>;
  /**
   * Returns the command that {@linkcode Launcher.cancel} runs. If the program
   * is killed, another process runs it.
   *
   * @param agents The ids of the agents.
   */
  cancelCommand(agents: readonly string[]): readonly string[];
  /**
   * Returns the command that ends the agents of a request whose ids aren't known
   * yet. If the program is killed while the launcher is asked, another process
   * runs it.
   *
   * @param name The name of the request.
   */
  cancelRequestCommand?(name: string): readonly string[];
  /**
   * Returns the last output of an agent that ended before it reached the pool;
   * empty if there is none.
   *
   * @param agent The id of the agent.
   */
  output(agent: string): Promise<string>;
  /**
   * Removes what agents have left behind that have ended by themselves. Without
   * this method, they leave nothing.
   *
   * @throws {HostError} If the launcher can't be asked now.
   */
  close?(): Promise<void>;
}
