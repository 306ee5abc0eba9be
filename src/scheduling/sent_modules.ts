import {
  type Definition,
  MessageType,
  type PoolMessage,
} from "../protocol/worker_messages.ts";

/** Provides the code of modules that remote workers can't load themselves. */
export interface ModuleSource {
  /** Returns whether a module must be sent. */
  needsBundle(url: string): boolean;
  /**
   * Returns a module's code, bundled with all its imports, and the code's hash.
   */
  bundle(url: string): Promise<{ hash: string; code: string }>;
}

/** Sends modules to a worker that can't load them itself, each of them once. */
export class SentModules {
  readonly #modules: ModuleSource | undefined;
  readonly #send: (message: PoolMessage) => void;
  readonly #sent = new Set<string>();

  /**
   * Constructs an object that hasn't sent a module yet.
   *
   * @param modules The source of modules for a worker on another machine.
   * @param send Sends a message to the worker.
   */
  constructor(
    modules: ModuleSource | undefined,
    send: (message: PoolMessage) => void,
  ) {
    this.#modules = modules;
    this.#send = send;
  }

  /**
   * Returns the definition to send; sends a needed module once it is bundled.
   */
  provide(definition: Definition): Definition {
    if (definition.kind !== "module") return definition;
    const { url } = definition;
    const modules = this.#modules;
    if (modules === undefined || !modules.needsBundle(url)) return definition;
    if (!this.#sent.has(url)) {
      this.#sent.add(url);
      const { MODULE } = MessageType;
      modules.bundle(url).then(
        ({ hash, code }) => this.#send([MODULE, url, hash, code]),
        (error) => this.#send([MODULE, url, "", error]),
      );
    }
    return { ...definition, sent: true };
  }
}
