import { delay } from "@std/async/delay";
import { HostError, type HostSpec, type Pool } from "../../mod.ts";
import type { Ledger } from "./ledger.ts";
import type { Disturbance } from "./plan.ts";
import { type Process, signal } from "./processes.ts";
import type { StormSite } from "./site.ts";

/** Causes the planned failures. */
export class Disturber {
  readonly #site: StormSite;
  readonly #ledger: Ledger;
  readonly #plan: Iterator<Disturbance, never>;
  readonly #running = new Set<Promise<void>>();
  #changing: Promise<unknown> = Promise.resolve();
  #next: Disturbance;
  /** How often each kind of disturbance hit something. */
  readonly counts = new Map<string, number>();
  /** The pool, whose hosts come and go. */
  pool: Pool | undefined;

  /** Constructs a disturber that hasn't begun. */
  constructor(
    site: StormSite,
    ledger: Ledger,
    plan: Iterator<Disturbance, never>,
  ) {
    this.#site = site;
    this.#ledger = ledger;
    this.#plan = plan;
    this.#next = plan.next().value;
  }

  /** Begins all disturbances that are due after this many finished tasks. */
  progressed(finished: number): void {
    while (this.#next.after <= finished) {
      this.#begin(this.#next);
      this.#next = this.#plan.next().value;
    }
  }

  /** Waits until all disturbances are over. */
  async calm(): Promise<void> {
    await Promise.all(this.#running);
  }

  #begin(disturbance: Disturbance): void {
    const { kind, after } = disturbance;
    const running = this.#make(disturbance).then(
      (victims) => {
        const count = victims === "" ? "missed" : kind;
        this.counts.set(count, (this.counts.get(count) ?? 0) + 1);
        this.#ledger.event(`${kind} planned for ${after}: ${victims}`);
      },
      (error) => this.#ledger.fault(`${kind}: ${Deno.inspect(error)}`),
    );
    this.#running.add(running);
    running.then(() => this.#running.delete(running));
  }

  /** Makes a disturbance, and returns its victims once it is over. */
  async #make({ kind, victim, duration }: Disturbance): Promise<string> {
    const site = this.#site;
    switch (kind) {
      case "killWorker":
        return kill(one(site.allWorkers(), victim));
      case "killWorkers":
        return kill(site.allWorkers().filter((_, at) => at % 3 !== 0));
      case "stopWorker":
        return await stop(one(site.allWorkers(), victim), duration);
      case "killSsh":
        return kill(site.sshClients());
      case "killSessions":
        await site.killSessions();
        return "sessions";
      case "killSshSpawner":
        return kill(site.sshSpawners());
      case "stopSsh":
        return await stop(site.sshClients(), duration);
      case "restartServer":
        await site.restartServer(() => delay(duration / 4));
        return "server";
      case "stopServer":
        return await stop(site.spawnerServers(), duration);
      case "cutSsh":
        return await this.#cut(site.sshHost, duration * 3);
      case "cutServer":
        return await this.#cut(site.serverHost, duration * 3);
      default:
        return await this.#disturbClusters({ kind, victim, duration });
    }
  }

  async #disturbClusters(
    { kind, victim, duration }: Omit<Disturbance, "after">,
  ): Promise<string> {
    const clusters = this.#site.clusters!;
    switch (kind) {
      case "joinAgent":
        return clusters.join();
      case "leaveAgent":
        return clusters.leave(victim, "SIGTERM");
      case "killAgent":
        return clusters.leave(victim, "SIGKILL");
      case "cancelJob":
        return await clusters.cancelJob(victim);
      case "requeueJob":
        return await clusters.requeueJob(victim);
      case "preemptJobs":
        return await clusters.preempt(duration);
      case "crashNode":
        return await clusters.crashNode(duration);
      case "deleteTask":
        return await clusters.deleteTask(victim);
      case "deletePod":
        return clusters.endPod(victim, "deletePod");
      case "evictPod":
        return clusters.endPod(victim, "evict");
      case "preemptPod":
        return clusters.endPod(victim, "preempt");
      case "changeHosts":
        return await this.#changeHosts(victim < 0.5, duration);
      default:
        return "";
    }
  }

  /** Adds a host to the pool for a while, one at a time. */
  async #changeHosts(drain: boolean, duration: number): Promise<string> {
    const host: HostSpec = { ...this.#site.guest, name: "guest" };
    const change = async () => {
      try {
        await this.pool!.addHost(host);
      } catch (error) {
        // Its server is down.
        if (error instanceof HostError) return "";
        throw error;
      }
      await delay(duration);
      await this.pool!.removeHost("guest", { drain });
      return `a guest for ${duration} ms`;
    };
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    return await changed;
  }

  async #cut(
    host: StormSite["serverHost"],
    duration: number,
  ): Promise<string> {
    const { network } = this.#site;
    if (network === undefined || host === undefined) return "";
    await network.cut(host);
    await delay(duration);
    await network.restore(host);
    return `network for ${duration} ms`;
  }
}

function one(processes: Process[], victim: number): Process[] {
  const at = Math.floor(victim * processes.length);
  return processes.slice(at, at + 1);
}

function kill(processes: Process[]): string {
  for (const process of processes) signal(process, "SIGKILL");
  return describe(processes);
}

async function stop(processes: Process[], ms: number): Promise<string> {
  for (const process of processes) signal(process, "SIGSTOP");
  await delay(ms);
  for (const process of processes) signal(process, "SIGCONT");
  return processes.length === 0 ? "" : `${describe(processes)} for ${ms} ms`;
}

function describe(processes: Process[]): string {
  return processes.map(({ pid, name }) => `${name} ${pid}`).join(", ");
}
