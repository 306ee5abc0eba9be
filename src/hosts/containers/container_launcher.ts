import {
  type ContainerSettings,
  MEMORY,
} from "../../options/container_options.ts";
import type { AgentState, LaunchRequest } from "../launch/launcher.ts";
import { TemplateLauncher } from "../template/template_launcher.ts";

/** Podman waits for the end of a container before it kills it; Docker doesn't. */
const AT_ONCE = { docker: [], podman: ["--time=0"] };

/**
 * Starts each agent in a container, and keeps the `docker run` or `podman run`
 * that holds it. The folder of the files is mounted at the same path.
 */
export class ContainerLauncher extends TemplateLauncher {
  readonly #settings: ContainerSettings;

  /**
   * Constructs a launcher that does nothing yet.
   *
   * @param folder The folder of the files on the machine of the containers.
   */
  constructor(settings: ContainerSettings, folder: string) {
    const { kind, name } = settings;
    super(
      {
        name,
        launch: [kind, "run"],
        end: [kind, "rm", "--force", ...AT_ONCE[kind], "{job}"],
        query: undefined,
        isForeground: true,
      },
      folder,
      kind,
    );
    this.#settings = settings;
  }

  protected override templateOf(
    { env, workersPerAgent }: LaunchRequest,
  ): readonly string[] {
    const { kind, image, cpus, network, runArgs } = this.#settings;
    return [
      kind,
      "run",
      "--rm",
      "--name={job}",
      `--cidfile=${this.#idFile("{job}")}`,
      `--volume=${this.folder}:${this.folder}:ro`,
      // The image may have an entry point that isn't the command itself.
      "--entrypoint=",
      ...(cpus === undefined ? [] : [`--cpus=${cpus * workersPerAgent}`]),
      ...this.#memory(workersPerAgent),
      ...this.#gpus(),
      ...(network === undefined ? [] : [`--network=${network}`]),
      // The values are in the environment of this command.
      ...Object.keys(env).map((name) => `--env=${name}`),
      ...runArgs,
      image,
      "{command}",
    ];
  }

  /** Reports agents as pending while their image is pulled. */
  override async query(
    ids: readonly string[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, AgentState>> {
    const states = new Map(await super.query(ids, signal));
    for (const [id, { state }] of states) {
      if (state !== "running" || await exists(this.#idFile(id))) continue;
      const reason = (await this.output(id)).split("\n").at(-1)!;
      states.set(id, { state: "pending", reason });
    }
    return states;
  }

  /** The file that is written when the container has been made. */
  #idFile(job: string): string {
    return `${this.folder}/${job}.id`;
  }

  #memory(workers: number): string[] {
    const { memory } = this.#settings;
    if (memory === undefined) return [];
    const [, amount, suffix = ""] = MEMORY.exec(memory)!;
    return [`--memory=${BigInt(amount!) * BigInt(workers)}${suffix}`];
  }

  /** Podman names GPUs as devices, by the Container Device Interface. */
  #gpus(): string[] {
    const { kind, gpus } = this.#settings;
    if (gpus === undefined) return [];
    return kind === "docker"
      ? [`--gpus=${gpus}`]
      : [`--device=nvidia.com/gpu=${gpus.replace(/^device=/, "")}`];
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
