/** The kind of a connection. */
export type Transport = "unix" | "tcp";

/** An address to connect to. */
export type Address = Deno.UnixConnectOptions | Deno.ConnectOptions;

/** The kinds of connections on this system. */
export const TRANSPORTS: readonly Transport[] = Deno.build.os === "windows"
  ? ["tcp"]
  : ["unix", "tcp"];

/** Listens until the end of its scope. */
export class TemporaryListener implements AsyncDisposable {
  /** The address that it listens on. */
  readonly address: Address;
  readonly #listener: Deno.Listener;
  readonly #folder: string | undefined;

  private constructor(
    listener: Deno.Listener,
    address: Address,
    folder?: string,
  ) {
    this.#listener = listener;
    this.address = address;
    this.#folder = folder;
  }

  /** Starts to listen. */
  static async open(transport: Transport): Promise<TemporaryListener> {
    if (transport === "tcp") {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const { hostname, port } = listener.addr;
      return new TemporaryListener(listener, { hostname, port });
    }
    const folder = await Deno.makeTempDir();
    const address = { transport: "unix", path: `${folder}/socket` } as const;
    return new TemporaryListener(Deno.listen(address), address, folder);
  }

  /** Connects, and returns both ends. */
  async connect(): Promise<[Deno.Conn, Deno.Conn]> {
    const { address } = this;
    return await Promise.all([
      "path" in address ? Deno.connect(address) : Deno.connect(address),
      this.#listener.accept(),
    ]);
  }

  /** Stops listening, which closes connections that weren't accepted. */
  close(): void {
    hangUp(this.#listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    if (this.#folder !== undefined) {
      await Deno.remove(this.#folder, { recursive: true });
    }
  }
}

/** Both ends of a real connection, closed at the end of its scope. */
export class ConnectionPair implements Disposable {
  /** The end that connected. */
  readonly left: Deno.Conn;
  /** The end that accepted. */
  readonly right: Deno.Conn;

  private constructor(left: Deno.Conn, right: Deno.Conn) {
    this.left = left;
    this.right = right;
  }

  /** Connects two ends. */
  static async open(transport: Transport): Promise<ConnectionPair> {
    await using listener = await TemporaryListener.open(transport);
    return new ConnectionPair(...await listener.connect());
  }

  /** Closes both ends. */
  [Symbol.dispose](): void {
    hangUp(this.left);
    hangUp(this.right);
  }
}

/** Closes a connection or listener if it is open. */
export function hangUp(connection: Deno.Conn | Deno.Listener): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}
