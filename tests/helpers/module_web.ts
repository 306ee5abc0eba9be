/**
 * Modules on the web, and the messages with which a pool sends modules.
 *
 * @module
 */

import { makeCertificate } from "../../src/transport/certificate.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import { MessageType } from "../../src/protocol/worker_messages.ts";

/** Serves modules, each by its path, until the end of its scope. */
export interface WebModules extends AsyncDisposable {
  /** Arguments of `deno run` by which it is trusted. */
  readonly denoArgs: readonly string[];
  /** The address before the paths. */
  readonly origin: string;
  /** The paths that were asked for, in their order. */
  readonly asked: readonly string[];
  /** Ends it sooner. */
  stop(): Promise<void>;
}

/** Serves JavaScript, over TLS or without. */
export async function serveModules(
  scheme: "http" | "https",
  modules: Readonly<Record<string, string>>,
): Promise<WebModules> {
  const asked: string[] = [];
  const isSecure = scheme === "https";
  const certificate = isSecure ? await makeCertificate() : {};
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
    ...certificate,
  }, (request) => {
    const path = new URL(request.url).pathname.slice(1);
    asked.push(path);
    const text = modules[path];
    return text === undefined
      ? new Response(null, { status: 404 })
      : new Response(text, { headers: { "content-type": "text/javascript" } });
  });
  return {
    origin: `${scheme}://127.0.0.1:${server.addr.port}`,
    denoArgs: isSecure
      ? ["--unsafely-ignore-certificate-errors=127.0.0.1"]
      : [],
    asked,
    stop: () => server.shutdown(),
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** What pools of this process send about modules, until the end of its scope. */
export class ModuleMessages implements Disposable {
  /** The URLs of the modules that were sent, in their order. */
  readonly sent: string[] = [];
  /** Where each of them was sent to. */
  readonly receivers: FrameWriter[] = [];
  readonly #message = FrameWriter.prototype.message;

  /** Begins to listen to what is written. */
  constructor() {
    const { sent, receivers } = this;
    const message = this.#message;
    FrameWriter.prototype.message = function (fields) {
      if (fields[0] === MessageType.MODULE && fields.length === 4) {
        sent.push(String(fields[1]));
        receivers.push(this);
      }
      return message.call(this, fields);
    };
  }

  [Symbol.dispose](): void {
    FrameWriter.prototype.message = this.#message;
  }
}
