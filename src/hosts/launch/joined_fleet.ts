import type { AgentOffer } from "../../protocol/spawner_messages.ts";
import { formatAddress } from "../../transport/address.ts";
import type { HostPlan } from "../host_plan.ts";
import type { PendingAgents } from "../managed_host.ts";
import type { AgentEnd, FleetAgent } from "./fleet_agent.ts";
import { Fleet, type FleetOptions } from "./fleet.ts";

/** The agents that users start by themselves. */
export class JoinedFleet extends Fleet {
  /** Never: nobody knows who will come. */
  readonly pending: PendingAgents | undefined = undefined;
  #maxWorkers: number;

  /** Constructs a fleet without agents. */
  constructor(options: FleetOptions) {
    super(options);
    this.#maxWorkers = options.maxWorkers;
  }

  get workers(): number {
    return this.joinedWorkers;
  }

  get expectsWorkers(): boolean {
    return !this.isStopped && this.#maxWorkers > 0;
  }

  /** Returns the command that users run. */
  plan(): HostPlan {
    const { name, kind } = this.options;
    const { address, fingerprint } = this.door;
    return {
      host: name,
      kind,
      note: "Users run the command, on any machine, to start a worker there",
      files: [],
      commands: [{
        args: [
          ...["deno", "run", "-A", "jsr:@distex/pool/worker"],
          ...["--connect", formatAddress(address)],
          ...(fingerprint === undefined ? [] : ["--fingerprint", fingerprint]),
          ...["--token-file", "(file with the token)"],
        ],
      }],
    };
  }

  resize(workers: number): void {
    this.#maxWorkers = workers;
    if (workers === 0) this.leaveAll();
  }

  protected get expected(): number {
    return 0;
  }

  protected async begin(): Promise<void> {}

  protected refusalOf({ workers }: AgentOffer): string | undefined {
    if (this.joinedWorkers + workers <= this.#maxWorkers) return undefined;
    return `the pool takes at most ${this.#maxWorkers} workers that join by themselves ('listen.maxWorkers'), and has ${this.joinedWorkers}`;
  }

  protected joined(_agent: FleetAgent): void {}

  protected gone(_agent: FleetAgent, _end: AgentEnd): void {}

  protected async end(): Promise<void> {}
}
