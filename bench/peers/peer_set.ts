import type { NodeFolder } from "./node_folder.ts";
import { MissingPeerError, PeerProcess } from "./peer_process.ts";
import type { Peer } from "./peers.ts";
import type { Hello } from "./requests.ts";

/** The peers of a run: those that are running, and what is known of all. */
export class PeerSet implements AsyncDisposable {
  readonly #folder: NodeFolder;
  readonly #hellos = new Map<string, Hello>();
  readonly #running = new Map<string, PeerProcess>();
  #workers = 0;

  /** Constructs a set that runs Node in a folder. */
  constructor(folder: NodeFolder) {
    this.#folder = folder;
  }

  /** What each peer that was needed said of itself, by its name. */
  get hellos(): ReadonlyMap<string, Hello> {
    return this.#hellos;
  }

  /**
   * Starts those of some peers that don't run yet, at the same time.
   *
   * @returns The peers that run; others are missing.
   */
  async start(
    peers: readonly Peer[],
    workers: number,
  ): Promise<ReadonlyMap<Peer, PeerProcess>> {
    if (workers !== this.#workers) await this.#endAll();
    this.#workers = workers;
    await Promise.all(peers.map((peer) => this.#start(peer)));
    return new Map(peers.flatMap((peer) => {
      const process = this.#running.get(peer.name);
      return process === undefined ? [] : [[peer, process]];
    }));
  }

  /** Ends a peer that failed. It is started again when it is needed again. */
  async end({ name }: Peer): Promise<void> {
    const process = this.#running.get(name);
    this.#running.delete(name);
    await process?.[Symbol.asyncDispose]();
  }

  /** Ends all peers. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endAll();
  }

  async #start(peer: Peer): Promise<void> {
    const { name } = peer;
    const known = this.#hellos.get(name);
    if (this.#running.has(name)) return;
    if (known !== undefined && "missing" in known) return;
    try {
      const command = await peer.command(this.#workers, this.#folder);
      const [process, hello] = await PeerProcess.start(command);
      this.#running.set(name, process);
      this.#hellos.set(name, hello);
    } catch (error) {
      if (!(error instanceof MissingPeerError)) throw error;
      this.#hellos.set(name, { missing: error.message });
    }
  }

  async #endAll(): Promise<void> {
    const processes = [...this.#running.values()];
    this.#running.clear();
    await Promise.all(
      processes.map((process) => process[Symbol.asyncDispose]()),
    );
  }
}
