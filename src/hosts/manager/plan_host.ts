import type { HostSettings } from "../../options/host_spec.ts";
import type { PoolSettings } from "../../options/pool_settings.ts";
import { WorkerLauncher } from "../../spawner/worker_launcher.ts";
import {
  type Address,
  formatPlace,
  SPAWNER_PORT,
} from "../../transport/address.ts";
import { denoPath } from "../../util/deno_path.ts";
import type { HostPlan } from "../host_plan.ts";
import { sshCommand, sshFolder } from "../ssh/ssh_command.ts";
import { programSettings } from "./program_settings.ts";

/** Stands for the random part of names. */
const RANDOM = "random";

/** The private folder of a pool. */
const FOLDER = `/tmp/distex-${RANDOM}`;

/** The socket in it. */
const SOCKET: Address = { transport: "unix", path: `${FOLDER}/pool.sock` };

/** The standard input of a worker. */
const SECRET = "(secret)\n";

/** Returns how a pool starts the workers on this machine. */
export function planLocal(settings: PoolSettings): HostPlan {
  const { workers, transport, listen, env } = settings;
  const { hostname = "127.0.0.1", port } = listen;
  const launcher = new WorkerLauncher({
    ...programSettings(settings),
    address: transport === "unix" ? SOCKET : { transport, hostname, port },
    secret: new Uint8Array(0),
    onOutput: undefined,
  }, undefined);
  return {
    host: "local",
    kind: "local",
    note: "",
    files: [],
    commands: Array.from({ length: workers }, (_, index) => ({
      args: [denoPath(), ...launcher.arguments(index + 1)],
      input: SECRET,
      ...(Object.keys(env).length === 0 ? {} : { env }),
    })),
  };
}

/** Returns how a pool runs tasks in the program's own thread. */
export function planInline(): HostPlan {
  return {
    host: "local",
    kind: "inline",
    note: "The pool runs no command: tasks run in the program's own thread",
    files: [],
    commands: [],
  };
}

/** Returns how a pool starts the workers of another machine. */
export function planRemote(
  host: HostSettings,
  { startTimeout }: PoolSettings,
): HostPlan {
  const { name, kind, hostname, port = SPAWNER_PORT } = host;
  if (kind === "spawner") {
    const place = formatPlace(hostname, port);
    return {
      host: name,
      kind,
      note:
        `The pool runs no command: the spawner server at ${place} starts the workers`,
      files: [],
      commands: [],
    };
  }
  const args = sshCommand(host, {
    folder: sshFolder(host, RANDOM),
    socket: { address: SOCKET, folder: FOLDER },
    timeout: startTimeout,
    // The length is known once the program is bundled.
    programLength: 0,
    number: 1,
  });
  return {
    host: name,
    kind,
    note: "The pool's program starts the workers there",
    files: [],
    commands: [{ args, input: `${SECRET}(the pool's program)` }],
  };
}
