/**
 * A pool that takes agents and nothing else: it starts workers there, and runs
 * calls on them one by one.
 *
 * @module
 */

import { PendingConnections } from "../../src/hosts/pending_connections.ts";
import { RemoteAgent } from "../../src/hosts/remote/remote_agent.ts";
import { admitDialer, type Dialer } from "../../src/protocol/admit_dialer.ts";
import type {
  AgentOffer,
  MachineInfo,
} from "../../src/protocol/spawner_messages.ts";
import { MessageType, ResultMode } from "../../src/protocol/worker_messages.ts";
import type { WorkerProcess } from "../../src/spawner/worker_process.ts";
import { AuthenticatedListener } from "../../src/transport/authenticated_listener.ts";
import type { Certificate } from "../../src/transport/certificate.ts";
import type { Channel } from "../../src/transport/channel.ts";
import { fingerprintOf } from "../../src/transport/fingerprint.ts";
import { secretOfToken } from "../../src/transport/secret.ts";
import { KeepAlive } from "../../src/util/keep_alive.ts";
import { ALL_GRANTS } from "./grants.ts";

/** The token of these pools. */
export const TOKEN = "a token of the tests";

/** Options of {@linkcode AgentPool.listen}. */
export interface AgentPoolOptions {
  /** The certificate, to listen with TLS. */
  readonly certificate?: Certificate;
  /** The address to listen on. */
  readonly hostname?: string;
  /** The port to listen on; any free port by default. */
  readonly port?: number;
}

/** The result of {@linkcode AgentPool.listen}. */
export class AgentPool implements AsyncDisposable {
  /** The arguments that agents need to connect. */
  readonly args: readonly string[];
  /** The port that it listens on. */
  readonly port: number;

  readonly #listener: AuthenticatedListener<Dialer>;
  readonly #pending: PendingConnections;
  readonly #certificate: Certificate | undefined;
  readonly #agents: AcceptedAgent[] = [];
  readonly #waiting: ((agent: AcceptedAgent) => void)[] = [];
  readonly #accepted: AcceptedAgent[] = [];
  #isClosed = false;
  /** Connections don't keep the test alive. */
  readonly #keepAlive = new KeepAlive();

  private constructor(
    listener: AuthenticatedListener<Dialer>,
    pending: PendingConnections,
    args: readonly string[],
    port: number,
    certificate: Certificate | undefined,
  ) {
    this.#listener = listener;
    this.#pending = pending;
    this.args = args;
    this.port = port;
    this.#certificate = certificate;
    this.#keepAlive.hold();
  }

  /** Starts a pool that listens on this machine. */
  static async listen(options: AgentPoolOptions = {}): Promise<AgentPool> {
    const { certificate, hostname = "127.0.0.1" } = options;
    const secret = await secretOfToken(TOKEN);
    const pending = new PendingConnections();
    const transport = certificate === undefined ? "tcp" : "tls";
    const listener: AuthenticatedListener<Dialer> = new AuthenticatedListener({
      authenticate: (connection) =>
        admitDialer(connection, {
          ofWorker: (worker) => pending.secretOf(worker),
          ofGroup: (group) => group === 0 ? secret : undefined,
        }, { concurrency: 1, codec: "msgpack" }),
      onChannel: (dialer, channel) => {
        if (dialer.kind === "worker") pending.resolve(dialer.number, channel);
        else pool.#add(channel, dialer.secret);
      },
      expected: () => pending.size,
    });
    const { port } = await listener.listen(
      { transport, hostname, port: options.port ?? 0 },
      certificate,
    ) as { port: number };
    const address = `${transport}:${hostname}:${port}`;
    const pin = certificate === undefined
      ? []
      : ["--fingerprint", await fingerprintOf(certificate.cert)];
    const args = ["--connect", address, ...pin];
    const pool = new AgentPool(listener, pending, args, port, certificate);
    return pool;
  }

  /** Waits for the next agent. */
  async agent(): Promise<AcceptedAgent> {
    const agent = this.#agents.shift() ??
      await new Promise<AcceptedAgent>((resolve) =>
        this.#waiting.push(resolve)
      );
    await agent.remote.offer;
    return agent;
  }

  /** Stops listening. */
  close(): void {
    this.#isClosed = true;
    this.#listener.close();
  }

  /** Stops listening, and closes the connections to all agents. */
  // deno-lint-ignore require-await
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#isClosed) this.close();
    for (const agent of this.#accepted) agent.close();
    this.#keepAlive.close();
  }

  #add(channel: Channel, secret: Uint8Array<ArrayBuffer>): void {
    const agent: AcceptedAgent = new AcceptedAgent(
      new RemoteAgent(
        channel,
        (_, stream, bytes) => agent.wrote(stream, bytes),
        Infinity,
      ),
      secret,
      this.#pending,
      this.#certificate === undefined ? { address: `tcp::${this.port}` } : {
        address: `tls::${this.port}`,
        certificate: this.#certificate.cert,
      },
    );
    this.#accepted.push(agent);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#agents.push(agent);
    else waiting(agent);
  }
}

/** An agent that has joined an {@linkcode AgentPool}. */
export class AcceptedAgent {
  /** The output of its workers so far. */
  output = "";
  readonly #workers: StartedWorker[] = [];

  /** Constructs it for an agent that was just admitted. */
  constructor(
    readonly remote: RemoteAgent,
    readonly secret: Uint8Array<ArrayBuffer>,
    readonly pending: PendingConnections,
    readonly target: { readonly address: string; certificate?: string },
  ) {}

  /** What it offers. */
  offer(): Promise<AgentOffer> {
    return this.remote.offer;
  }

  /** Opens its session. */
  open(): Promise<MachineInfo> {
    const request = { grants: ALL_GRANTS, denoArgs: [], env: {} };
    return this.remote.open({ ...this.target, ...request });
  }

  /** Starts a worker, and waits until it has connected. */
  async start(): Promise<StartedWorker> {
    const pending = this.pending.add(this.secret);
    const process = this.remote.start(pending.number, "worker");
    process.ended.then(({ exitStatus, stderrTail }) =>
      pending.cancel(new Error(`${exitStatus}: ${stderrTail}`))
    );
    const worker = new StartedWorker(process, await pending.channel);
    this.#workers.push(worker);
    return worker;
  }

  /** Closes the connections to it and to its workers. */
  close(): void {
    this.remote.close();
    for (const { channel } of this.#workers) channel.close();
  }

  /** Called with output of its workers. */
  wrote(_stream: string, bytes: Uint8Array): void {
    this.output += new TextDecoder().decode(bytes);
  }
}

/** A worker that an agent has started. */
export class StartedWorker {
  /** Settles when its connection has ended. */
  readonly closed: Promise<unknown>;
  readonly #answers: PromiseWithResolvers<unknown>[] = [];

  /** Constructs it for a worker that has connected. */
  constructor(readonly process: WorkerProcess, readonly channel: Channel) {
    this.closed = channel.receive((message) => {
      const answer = this.#answers[message[1] as number];
      const [, , , values] = message;
      if (message[0] === MessageType.RESULTS) {
        answer?.resolve((values as unknown[])[0]);
      } else answer?.reject(values);
    }).catch((error) => error);
  }

  /** Runs a function there, given by its source. */
  async call<Result>(source: string): Promise<Result> {
    const id = this.#answers.length;
    const answer = Promise.withResolvers<unknown>();
    answer.promise.catch(() => {});
    this.#answers.push(answer);
    const { writer } = this.channel;
    const definition = { kind: "inline", source, name: "task" };
    writer.message([MessageType.DEFINE, id, definition]);
    writer.message([MessageType.CALLS, id, id, ResultMode.VALUE, [[]]]);
    this.channel.flush();
    return await Promise.race([
      answer.promise,
      this.closed.then(() => {
        throw new Error("The worker has ended");
      }),
    ]) as Result;
  }

  /** Returns the id of its process. */
  pid(): Promise<number> {
    return this.call("() => Deno.pid");
  }
}
