import { HostError } from "../../errors/host_error.ts";
import type { Reaper } from "../../spawner/reaper.ts";
import { formatAddress } from "../../transport/address.ts";
import type { AgentDoor } from "./agent_door.ts";
import type { JobFolder } from "./job_folder.ts";
import type { Launcher, LaunchFile, LaunchRequest } from "./launcher.ts";

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
  readonly #cancelAtEnd: ReturnType<Reaper["atEnd"]> | undefined;
  readonly #removeAtEnd: ReturnType<Reaper["atEnd"]> | undefined;
  readonly #abandonAtEnd: ReturnType<Reaper["atEnd"]> | undefined;

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
    this.#abandonAtEnd = reaper?.atEnd();
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

  /** Makes a request for agents, which is cancelled if the program is killed. */
  request(agents: number): LaunchRequest {
    const request = {
      name: `${this.#name}-${++this.#requests}`,
      agents,
      workersPerAgent: this.#options.workersPerAgent,
      command: this.#command(),
      env: {},
      files: this.#files(),
    };
    const { launcher } = this.#options;
    this.#abandonAtEnd?.(launcher.cancelRequestCommand?.(request.name));
    return request;
  }

  /** Notes which agents must be cancelled if the program is killed. */
  agentsChanged(agents: readonly string[]): void {
    this.#abandonAtEnd?.(undefined);
    this.#cancelAtEnd?.(
      agents.length === 0
        ? undefined
        : this.#options.launcher.cancelCommand(agents),
    );
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
