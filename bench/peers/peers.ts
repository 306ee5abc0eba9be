import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import type { NodeFolder } from "./node_folder.ts";
import type { DriverCommand } from "./peer_process.ts";
import type { WorkKind } from "./requests.ts";

/** The pool itself, with which all others are compared. */
export const POOL = "pool";

/** A pool that is measured. */
export interface Peer {
  /** The name, with which its rows end. */
  readonly name: string;
  /** The works that it can do. */
  readonly works: readonly WorkKind[];
  /**
   * Returns how to start its driver.
   *
   * @throws {MissingPeerError} If the peer isn't available here.
   */
  command(workers: number, folder: NodeFolder): Promise<DriverCommand>;
}

/** What every pool can do: calls, chunks cut by hand, and loops. */
const CALLS: readonly WorkKind[] = [
  "run",
  "chunks/for-await",
  "chunks/to-array",
  "trips",
  "payload/in",
  "payload/out",
  "spin",
  "primes",
  "gzip",
];

/** What a pool with a map can do, too. */
const MAPS: readonly WorkKind[] = ["map/for-await", "map/to-array"];

/** All peers, in the order in which they take turns. */
export const PEERS: readonly Peer[] = [
  denoPeer(POOL, "pool_driver.ts", [...CALLS, ...MAPS]),
  nodePeer("piscina"),
  nodePeer("piscina-tuned"),
  nodePeer("tinypool"),
  nodePeer("workerpool-threads"),
  nodePeer("workerpool-processes"),
  nodePeer("poolifier-threads", "map/to-array"),
  nodePeer("poolifier-processes", "map/to-array"),
  pythonPeer("concurrent.futures", [...CALLS, ...MAPS]),
  pythonPeer("multiprocessing", [...CALLS, ...MAPS]),
  pythonPeer("joblib", [...without("run"), ...MAPS]),
  pythonPeer("dask", [...without("chunks/for-await"), "map/to-array"]),
  pythonPeer("distex-python", [...CALLS, ...MAPS]),
  denoPeer("gnu-parallel", "parallel_driver.ts", ["run", "gzip"]),
  denoPeer("processes", "processes_driver.ts", ["spin", "primes", "gzip"]),
];

function without(kind: WorkKind): WorkKind[] {
  return CALLS.filter((work) => work !== kind);
}

function denoPeer(
  name: string,
  file: string,
  works: readonly WorkKind[],
): Peer {
  const command = (workers: number) =>
    Promise.resolve({
      program: Deno.execPath(),
      args: ["run", "-A", "--quiet", pathOf(file), String(workers)],
    });
  return { name, works, command };
}

function nodePeer(name: string, ...more: WorkKind[]): Peer {
  return {
    name,
    works: [...CALLS, ...more],
    async command(workers, folder) {
      const cwd = await folder.get();
      return {
        program: "node",
        args: ["node_driver.mjs", name, String(workers)],
        cwd,
      };
    },
  };
}

/** It may use modules of the user's PYTHONPATH. */
function pythonPeer(name: string, works: readonly WorkKind[]): Peer {
  const modules = [pathOf(""), Deno.env.get("PYTHONPATH")]
    .filter((path) => path !== undefined);
  const command = (workers: number) =>
    Promise.resolve({
      program: "python3",
      args: [pathOf("python_driver.py"), name, String(workers)],
      env: {
        PYTHONPATH: modules.join(delimiter),
        PYTHONDONTWRITEBYTECODE: "1",
      },
    });
  return { name, works, command };
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`drivers/${file}`, import.meta.url));
}
