/**
 * A web server for modules, and the messages by which a pool sends modules.
 *
 * @module
 */

import { makeCertificate } from "../../src/transport/certificate.ts";
import { FrameWriter } from "../../src/transport/frame_writer.ts";
import { MessageType } from "../../src/protocol/worker_messages.ts";

/** A server of modules, until the end of its scope. */
export interface WebModules extends AsyncDisposable {
  /** The arguments with which `deno run` trusts the server. */
  readonly denoArgs: readonly string[];
  /** The origin of the modules' URLs. */
  readonly origin: string;
  /** The requested paths, in the order of the requests. */
  readonly asked: readonly string[];
  /** Stops the server. */
  stop(): Promise<void>;
}

/** Serves modules of JavaScript by their paths. */
export async function serveModules(
  scheme: "http" | "https",
  modules: Readonly<Record<string, string>>,
): Promise<WebModules> {
  const asked: string[] = [];
  const isSecure = scheme === "https";
  const certificate = isSecure ? await makeCertificate() : {};
  const end = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: end.signal,
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
  // Unlike shutdown(), this doesn't wait for clients to close connections.
  const stop = () => {
    end.abort();
    return server.finished;
  };
  return {
    origin: `${scheme}://127.0.0.1:${server.addr.port}`,
    denoArgs: isSecure
      ? ["--unsafely-ignore-certificate-errors=127.0.0.1"]
      : [],
    asked,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** Records the modules that pools send, until the end of its scope. */
export class ModuleMessages implements Disposable {
  /** The URLs of the sent modules, in their order. */
  readonly sent: string[] = [];
  /** The writer of the receiver of each module. */
  readonly receivers: FrameWriter[] = [];
  readonly #message = FrameWriter.prototype.message;

  /** Starts to record. */
  constructor() {
    const { sent, receivers } = this;
    const message = this.#message;
    FrameWriter.prototype.message = function (fields, list) {
      if (fields[0] === MessageType.MODULE && fields.length === 4) {
        sent.push(String(fields[1]));
        receivers.push(this);
      }
      return message.call(this, fields, list);
    };
  }

  [Symbol.dispose](): void {
    FrameWriter.prototype.message = this.#message;
  }
}
