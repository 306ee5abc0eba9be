import { HostError } from "../../errors/host_error.ts";
import type { Reaper } from "../../spawner/reaper.ts";
import { formatAddress } from "../../transport/address.ts";
import type { AgentDoor } from "./agent_door.ts";
import type { JobFolder } from "./job_folder.ts";
import type { Launcher, LaunchFile, LaunchRequest } from "./launcher.ts";

/** Sets the command of a place in the reaper. */
type AtEnd = ReturnType<Reaper["atEnd"]>;

const PROGRAM_FILE = "program.js";
const TOKEN_FILE = "token";

/** What all agents of a launcher have in common. */
export interface AgentJobsOptions {
  /** Starts the agents. */
  readonly launcher: Launcher;
  /** The folder for the files, if the agents' machines share it. */
  readonly folder: JobFolder | undefined;
  /** The path of `deno` there. */
  readonly deno: string;
  /** How many workers each agent starts. */
  readonly workersPerAgent: number;
  /** The number of the agents' group. */
  readonly group: number;
  /** The token of the group. */
  readonly token: string;
  /** Where agents connect. */
  readonly door: AgentDoor;
}

/**
 * The requests for the agents of a launcher, and the files that these read. The
 * reaper cleans up if the program is killed.
 */
export class AgentJobs {
  readonly #options: AgentJobsOptions;
  readonly #program: string;
  readonly #name: string;
  #requests = 0;
  readonly #cancelAtEnd: AtEnd | undefined;
  readonly #removeAtEnd: AtEnd | undefined;
  /** The places of the commands that cancel requests in progress, by their name. */
  readonly #abandonAtEnd = new Map<string, AtEnd>();
  /** Those places that aren't in use. */
  readonly #free: AtEnd[] = [];
  readonly #reaper: Reaper | undefined;

  /**
   * Constructs it; nothing is written yet.
   *
   * @param program The program of an agent in one file.
   */
  constructor(
    options: AgentJobsOptions,
    program: string,
    reaper: Reaper | undefined,
  ) {
    this.#options = options;
    this.#program = program;
    const random = crypto.getRandomValues(new Uint8Array(4)).toHex();
    this.#name = `distex-${random}`;
    this.#cancelAtEnd = reaper?.atEnd();
    this.#removeAtEnd = reaper?.atEnd();
    this.#reaper = reaper;
  }

  /**
   * Writes the files, if the agents' machines share the folder.
   *
   * @param host The name of the host, for messages.
   * @throws {HostError} If that fails.
   */
  async write(host: string): Promise<void> {
    const { folder } = this.#options;
    if (folder === undefined) return;
    this.#removeAtEnd?.(["rm", "-rf", folder.path]);
    try {
      await folder.make();
      await folder.write(this.#files());
    } catch (cause) {
      throw new HostError(
        host,
        "folder",
        `Can't use the host ${host}: the folder ${folder.path} for the files of its jobs can't be written (${cause}): set the host's option 'folder' to a folder that its machines share`,
        { cause },
      );
    }
    // It doesn't matter if other folders can't be removed.
    await folder.removeAbandoned().catch(() => {});
  }

  /** Removes the files. */
  async remove(): Promise<void> {
    await this.#options.folder?.remove();
    this.#removeAtEnd?.(undefined);
  }

  /**
   * Makes a request for agents, which is cancelled if the program is killed
   * before {@linkcode AgentJobs.asked} is called.
   */
  request(agents: number): LaunchRequest {
    const request = {
      name: `${this.#name}-${++this.#requests}`,
      agents,
      workersPerAgent: this.#options.workersPerAgent,
      command: this.#command(),
      env: {},
      files: this.#files(),
    };
    this.#abandon(request);
    return request;
  }

  /** Notes that a request is over. */
  asked({ name }: LaunchRequest): void {
    const atEnd = this.#abandonAtEnd.get(name);
    if (atEnd === undefined) return;
    this.#abandonAtEnd.delete(name);
    atEnd(undefined);
    this.#free.push(atEnd);
  }

  /** Notes which agents must be cancelled if the program is killed. */
  agentsChanged(agents: readonly string[]): void {
    this.#cancelAtEnd?.(
      agents.length === 0
        ? undefined
        : this.#options.launcher.cancelCommand(agents),
    );
  }

  #abandon({ name }: LaunchRequest): void {
    const command = this.#options.launcher.cancelRequestCommand?.(name);
    if (command === undefined) return;
    const atEnd = this.#free.pop() ?? this.#reaper?.atEnd();
    if (atEnd === undefined) return;
    atEnd(command);
    this.#abandonAtEnd.set(name, atEnd);
  }

  #files(): LaunchFile[] {
    return [
      { name: PROGRAM_FILE, text: this.#program, isSecret: false },
      { name: TOKEN_FILE, text: this.#options.token, isSecret: true },
    ];
  }

  #command(): string[] {
    const { launcher: { folder }, deno, workersPerAgent, group, door } =
      this.#options;
    const { address, fingerprint } = door;
    return [
      deno,
      "run",
      "-A",
      "--quiet",
      "--no-config",
      "--no-prompt",
      `${folder}/${PROGRAM_FILE}`,
      "--connect",
      formatAddress(address),
      ...(fingerprint === undefined ? [] : ["--fingerprint", fingerprint]),
      "--token-file",
      `${folder}/${TOKEN_FILE}`,
      "--group",
      String(group),
      "--workers",
      String(workersPerAgent),
    ];
  }
}
