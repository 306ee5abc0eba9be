/**
 * Stamps the reads and writes of a process with the time. Pools and workers use
 * this module alike; workers load it as a module of tasks.
 *
 * @module
 */

/** The times in milliseconds of what a process last did with its connection. */
export interface Stamps {
  /** When the last read returned. */
  readonly read: number;
  /** When the last write began. */
  readonly write: number;
}

/** What a task reports of its process. */
export interface TaskStamps extends Stamps {
  /** When the task began. */
  readonly begin: number;
}

/** The latest stamps of this process. */
export const stamps = { read: 0, write: 0 };

/** The clock, which all processes of a machine share. */
export function clock(): number {
  return performance.timeOrigin + performance.now();
}

/** Makes all connections of this process stamp their reads and writes. */
export async function stampConnections(): Promise<void> {
  const methods = await connectionMethods();
  const { read, write } = methods;
  methods.read = async function (buffer) {
    const count = await read.call(this, buffer);
    stamps.read = clock();
    return count;
  };
  methods.write = function (bytes) {
    stamps.write = clock();
    return write.call(this, bytes);
  };
}

/** The task: reports the stamps of its worker. */
export function reportStamps(): TaskStamps {
  return { ...stamps, begin: clock() };
}

/** Returns the object whose methods all kinds of connections inherit. */
async function connectionMethods(): Promise<Pick<Deno.Conn, "read" | "write">> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const accepted = listener.accept();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  (await accepted).close();
  let owner = connection;
  while (!Object.hasOwn(owner, "read")) owner = Object.getPrototypeOf(owner);
  return owner;
}
