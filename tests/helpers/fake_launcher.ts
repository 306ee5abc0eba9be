import type {
  AgentState,
  Launcher,
  LaunchPlan,
  LaunchRequest,
} from "../../src/hosts/launch/launcher.ts";

/** A launcher whose agents the test controls; none of them runs. */
export class FakeLauncher implements Launcher {
  readonly kind = "launch";
  readonly folder = "/none";
  sharesFiles = false;
  /** The states of agents by id. */
  readonly states = new Map<string, AgentState>();
  /** How many agents each request was for. */
  readonly requests: number[] = [];
  /** The agents that were cancelled. */
  readonly cancelled: string[] = [];
  /** How often it was asked after agents. */
  queries = 0;
  /** The error of each request, if there is one. */
  submitProblem: Error | undefined;
  /** The error of each query, if there is one. */
  queryProblem: Error | undefined;
  /** The error of each cancellation, if there is one. */
  cancelProblem: Error | undefined;
  /** The state of an agent that was just asked for. */
  first: AgentState = { state: "pending", reason: "Resources" };
  /** What agents print before they end. */
  lastLine = "the last line of";
  #agents = 0;

  plan(_request: LaunchRequest): LaunchPlan {
    return { files: [], commands: [] };
  }

  submit({ agents }: LaunchRequest): Promise<readonly string[]> {
    if (this.submitProblem !== undefined) {
      return Promise.reject(this.submitProblem);
    }
    this.requests.push(agents);
    const ids = Array.from({ length: agents }, () => `job${this.#agents++}`);
    for (const id of ids) this.states.set(id, this.first);
    return Promise.resolve(ids);
  }

  query(agents: readonly string[]): Promise<ReadonlyMap<string, AgentState>> {
    this.queries++;
    if (this.queryProblem !== undefined) {
      return Promise.reject(this.queryProblem);
    }
    const known = [...this.states].filter(([id]) => agents.includes(id));
    return Promise.resolve(new Map(known));
  }

  cancel(agents: readonly string[]): Promise<void> {
    if (this.cancelProblem !== undefined) {
      return Promise.reject(this.cancelProblem);
    }
    this.cancelled.push(...agents);
    return Promise.resolve();
  }

  cancelCommand(agents: readonly string[]): readonly string[] {
    return ["cancel", ...agents];
  }

  output(agent: string): Promise<string> {
    const { lastLine } = this;
    return Promise.resolve(lastLine === "" ? "" : `${lastLine} ${agent}\n`);
  }
}
