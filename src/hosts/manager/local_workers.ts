import { StoredBundle } from "../../bundle/stored_bundle.ts";
import type { PoolSettings } from "../../options/pool_settings.ts";
import { WorkerLauncher } from "../../spawner/worker_launcher.ts";
import { WORKER_PROGRAM } from "../../spawner/worker_program.ts";
import type { Address } from "../../transport/address.ts";
import { makeSecret } from "../../transport/secret.ts";
import { pause } from "../../util/pause.ts";
import { LocalHost } from "../local/local_host.ts";
import type { PoolServices } from "../pool_services.ts";
import { programSettings } from "./program_settings.ts";

/** How many local workers are worth a bundle even for a short program. */
const MANY_WORKERS = 8;

/**
 * How long a pool with fewer workers runs before it makes a bundle for later
 * pools, in milliseconds. A shorter program ends before the bundle is complete.
 */
const BUNDLE_DELAY = 2_000;

/** Makes the host for the workers on this machine, and a bundle for later ones. */
export class LocalWorkers {
  readonly #settings: PoolSettings;
  /** The bundle that is made for later pools, if it is missing. */
  #missingBundle: StoredBundle | undefined;

  /** Constructs it from a pool's settings. */
  constructor(settings: PoolSettings) {
    this.#settings = settings;
  }

  /** Makes the host. */
  async makeHost(getServices: () => Promise<PoolServices>): Promise<LocalHost> {
    const { workers, stdio, inspect } = this.#settings;
    // The pool reads where debuggers listen.
    const inherits = stdio === "inherit" && !inspect;
    const bundle = this.#findBundle();
    const services = await getServices();
    const secret = makeSecret();
    const launcher = new WorkerLauncher({
      ...programSettings(this.#settings),
      address: await this.#address(services),
      bundle: await bundle,
      secret,
      onOutput: inherits ? undefined : services.onOutput,
    }, services.reaper);
    return new LocalHost(workers, secret, launcher);
  }

  /** Makes the bundle for later pools if it is missing. */
  async makeBundle(signal: AbortSignal): Promise<void> {
    if (this.#missingBundle === undefined) return;
    if (this.#settings.workers < MANY_WORKERS) {
      await pause(BUNDLE_DELAY, signal);
    }
    await this.#missingBundle.make(signal);
  }

  /** Looks for the workers' program in one file; see {@linkcode StoredBundle}. */
  async #findBundle(): Promise<string | undefined> {
    const bundle = new StoredBundle(WORKER_PROGRAM, this.#settings.config);
    const path = await bundle.find();
    if (path === undefined) this.#missingBundle = bundle;
    return path;
  }

  /** The address that workers on this machine connect to. */
  async #address(
    { openSocket, listen }: PoolServices,
  ): Promise<Address> {
    const { transport, listen: { hostname = "127.0.0.1", port } } =
      this.#settings;
    if (transport === "unix") return (await openSocket()).address;
    return await listen({ transport: "tcp", hostname, port });
  }
}
