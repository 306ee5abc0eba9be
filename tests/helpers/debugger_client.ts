/** A response or an event of the Chrome DevTools Protocol. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Params;
  readonly result?: Params;
  readonly error?: { readonly message: string };
}

/** The parameters of a command or an event, or a command's result. */
// deno-lint-ignore no-explicit-any
export type Params = Record<string, any>;

/** How frames name the function in which a thread has paused. */
export interface Pause {
  /** The name of the function. */
  readonly functionName: string;
  /** The URL of the script. */
  readonly url: string;
  /** The line of the script, from 0. */
  readonly line: number;
  /** Whether it is the line of the text. */
  readonly isAtText: boolean;
  /** Evaluates an expression in the function, and returns its value. */
  evaluate(expression: string): Promise<unknown>;
}

/**
 * A client of the Chrome DevTools Protocol.
 *
 * @see {@link https://chromedevtools.github.io/devtools-protocol/}
 */
export class DebuggerClient implements AsyncDisposable {
  readonly #socket: WebSocket;
  readonly #commands = new Map<number, PromiseWithResolvers<Params>>();
  readonly #listeners = new Set<(method: string, params: Params) => void>();
  readonly #closed = Promise.withResolvers<void>();
  #nextId = 1;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = () => {
      this.#closed.resolve();
      for (const { reject } of this.#commands.values()) {
        reject(new Error("The debugger has closed the connection"));
      }
    };
  }

  /** Connects to a debugger. */
  static async connect(address: string): Promise<DebuggerClient> {
    const socket = new WebSocket(address);
    const client = new DebuggerClient(socket);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    socket.onerror = null;
    return client;
  }

  /** Sends a command, and returns its result. */
  async send(method: string, params: Params = {}): Promise<Params> {
    const id = this.#nextId++;
    const command = Promise.withResolvers<Params>();
    this.#commands.set(id, command);
    this.#socket.send(JSON.stringify({ id, method, params }));
    return await command.promise;
  }

  /** Waits for an event that fulfils a condition, which may be async. */
  event(
    name: string,
    condition: (params: Params) => boolean | Promise<boolean> = () => true,
  ): Promise<Params> {
    const { promise, resolve } = Promise.withResolvers<Params>();
    const listener = async (method: string, params: Params) => {
      if (method !== name || !await condition(params)) return;
      this.#listeners.delete(listener);
      resolve(params);
    };
    this.#listeners.add(listener);
    return promise;
  }

  /**
   * Waits for a script with some text, sets a breakpoint on the line of the text,
   * and waits for the thread to pause there. Starts a thread that waits for a
   * debugger.
   *
   * @param prefix The beginning of the script's URL.
   */
  async pauseAt(text: string, prefix = ""): Promise<Pause> {
    let source = "";
    const parsed = this.event("Debugger.scriptParsed", async (params) => {
      const { scriptId, url } = params;
      if (!url.startsWith(prefix)) return false;
      const script = await this.send("Debugger.getScriptSource", { scriptId });
      if (!script.scriptSource.includes(text)) return false;
      source = script.scriptSource;
      return true;
    });
    const paused = this.event("Debugger.paused");
    await this.send("Runtime.enable");
    await this.send("Debugger.enable");
    await this.send("Runtime.runIfWaitingForDebugger");
    const { url } = await parsed;
    const before = source.slice(0, source.indexOf(text));
    const lineNumber = before.split("\n").length - 1;
    await this.send("Debugger.setBreakpointByUrl", { url, lineNumber });
    const { callFrames: [frame] } = await paused;
    return {
      functionName: frame.functionName,
      url,
      line: frame.location.lineNumber,
      isAtText: frame.location.lineNumber === lineNumber,
      evaluate: async (expression) => {
        const { result } = await this.send("Debugger.evaluateOnCallFrame", {
          callFrameId: frame.callFrameId,
          expression,
        });
        return result.value;
      },
    };
  }

  /** Goes on after a pause. */
  async resume(): Promise<void> {
    await this.send("Debugger.resume");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#closed.promise;
  }

  #take({ id, method, params = {}, result = {}, error }: Message): void {
    if (method !== undefined) {
      for (const listener of this.#listeners) listener(method, params);
    }
    if (id === undefined) return;
    const command = this.#commands.get(id)!;
    this.#commands.delete(id);
    if (error === undefined) command.resolve(result);
    else command.reject(new Error(error.message));
  }
}
