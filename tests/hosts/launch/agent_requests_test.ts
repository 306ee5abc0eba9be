import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { HostError } from "../../../mod.ts";
import {
  AgentRequests,
  type AgentRequestsOptions,
} from "../../../src/hosts/launch/agent_requests.ts";
import type { LaunchRequest } from "../../../src/hosts/launch/launcher.ts";
import { FakeLauncher } from "../../helpers/fake_launcher.ts";
import { FakeTime } from "../../helpers/fake_time.ts";

const START_TIMEOUT = 30_000;

/** Time passes in such steps, in milliseconds. */
const STEP = 500;

/** Requests to a fake launcher, in fake time, and everything they report. */
class Scene implements AsyncDisposable {
  readonly time = new FakeTime();
  readonly launcher = new FakeLauncher();
  readonly reports: string[] = [];
  /** The agents that the reaper would cancel. */
  agents: readonly string[] = [];
  changes = 0;
  readonly requests: AgentRequests;

  constructor(options: Partial<AgentRequestsOptions> = {}) {
    this.requests = new AgentRequests({
      name: "short",
      launcher: this.launcher,
      makeRequest: (agents) => ({
        name: "pool",
        agents,
        workersPerAgent: 1,
        command: [],
        env: {},
        files: [],
      }),
      onAsked: () => {},
      maxRestarts: 2,
      startTimeout: START_TIMEOUT,
      onAgents: (agents) => this.agents = agents,
      onChanged: () => this.changes++,
      report: (line) => this.reports.push(line),
      now: () => this.time.now,
      ...options,
    });
  }

  /** Lets time pass, and everything happen that follows. */
  async pass(milliseconds: number): Promise<void> {
    await this.time.runMicrotasks();
    for (let left = milliseconds; left >= 0; left -= STEP) {
      await this.time.tickAsync(Math.min(STEP, left));
      await this.time.runMicrotasks();
    }
  }

  set(id: string, state: "pending" | "running" | "ended", reason = ""): void {
    this.launcher.states.set(id, { state, reason });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    let isOver = false;
    const stopped = this.requests.stop(true).then(() => isOver = true);
    while (!isOver) await this.pass(STEP);
    await stopped;
    const isTimerLeft = this.time.next();
    this.time.restore();
    assert(!isTimerLeft, "A timer is left");
    assertEquals(this.agents, []);
  }
}

Deno.test("AgentRequests.settled() waits for requests in progress if it doesn't know an agent", async () => {
  const submitted = Promise.withResolvers<void>();
  class SlowLauncher extends FakeLauncher {
    override async submit(request: LaunchRequest): Promise<readonly string[]> {
      const ids = await super.submit(request);
      await submitted.promise;
      return ids;
    }
  }
  await using scene = new Scene({ launcher: new SlowLauncher() });
  const { requests } = scene;
  const asked = requests.ask(1);
  let isSettled = false;
  const settled = requests.settled("job0").then(() => isSettled = true);
  await scene.time.runMicrotasks();
  assertEquals([isSettled, requests.has("job0")], [false, false]);
  submitted.resolve();
  await settled;
  assert(requests.has("job0"));
  await asked;
  await requests.settled("job0");
});

Deno.test("AgentRequests.ask() asks for all agents at once", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(64);
  assertEquals(launcher.requests, [64]);
  assertEquals([requests.size, requests.expected], [64, 64]);
  assertEquals(scene.agents.length, 64);
  assert(requests.has("job63"));
  assert(!requests.has("job64") && !requests.has(undefined));
});

Deno.test("AgentRequests.ask() rejects when the launcher refuses", async () => {
  await using scene = new Scene();
  scene.launcher.submitProblem = new HostError("short", "worker", "no such");
  await assertRejects(() => scene.requests.ask(1), HostError, "no such");
  assertEquals(scene.requests.size, 0);
});

Deno.test("AgentRequests reports agents that wait, and why, when that changes", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(64);
  await scene.pass(1_000);
  assertEquals(requests.pending, { agents: 64, reason: "Resources" });
  assertEquals(scene.reports, ["waits: 64 jobs are pending (Resources)"]);
  for (let id = 0; id < 63; id++) {
    scene.set(`job${id}`, "running");
    requests.joined(`job${id}`);
  }
  await scene.pass(1_500);
  assertEquals(requests.pending, { agents: 1, reason: "Resources" });
  assertEquals(scene.reports.length, 1);
  scene.set("job63", "pending", "Priority");
  await scene.pass(2_250);
  assertEquals(scene.reports.slice(1), ["waits: 1 job is pending (Priority)"]);
  assertEquals(launcher.queries, 3);
});

Deno.test("AgentRequests asks after agents with growing pauses while any is missing", async () => {
  await using scene = new Scene();
  const { requests, launcher, time } = scene;
  await requests.ask(1);
  for (const [index, pause] of [1_000, 1_500, 2_250].entries()) {
    await time.tickAsync(pause - 1);
    await time.runMicrotasks();
    assertEquals(launcher.queries, index);
    await time.tickAsync(1);
    await time.runMicrotasks();
  }
  await scene.pass(30_000);
  const before = launcher.queries;
  await scene.pass(50_000);
  assertEquals(launcher.queries, before + 5);
  requests.joined("job0");
  await scene.pass(10_000);
  const { queries } = launcher;
  await scene.pass(100_000);
  assertEquals(launcher.queries, queries);
  requests.left("job0", 5_000);
  await scene.pass(1_000);
  assertEquals(launcher.queries, queries + 1);
});

Deno.test("AgentRequests asks again for agents that have ended, in one request", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(3);
  scene.set("job0", "ended", "NODE_FAIL");
  scene.set("job1", "ended", "NODE_FAIL");
  await scene.pass(1_000);
  await scene.pass(0);
  assertEquals(launcher.requests, [3, 2]);
  assertEquals([requests.size, requests.error], [3, undefined]);
  assertEquals(scene.agents, ["job2", "job3", "job4"]);
});

Deno.test("AgentRequests takes an agent that is queued again as the same", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(1);
  requests.joined("job0");
  requests.left("job0", 60_000);
  scene.set("job0", "pending", "BeginTime");
  await scene.pass(1_000);
  assertEquals(requests.pending, { agents: 1, reason: "BeginTime" });
  // However long it takes.
  await scene.pass(2 * START_TIMEOUT);
  assert(requests.has("job0"));
  assertEquals([launcher.requests, launcher.cancelled], [[1], []]);
});

Deno.test("AgentRequests counts an agent as ended once the launcher twice didn't know it", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(1);
  launcher.states.clear();
  await scene.pass(1_000);
  assert(requests.has("job0"));
  await scene.pass(1_500);
  await scene.pass(0);
  assert(!requests.has("job0") && requests.has("job1"));
});

Deno.test("AgentRequests gives up after too many ends, and explains the last", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  launcher.first = { state: "ended", reason: "FAILED" };
  await requests.ask(1);
  await scene.pass(30_000);
  assertEquals(launcher.requests, [1, 1, 1]);
  assertEquals([requests.size, scene.changes], [0, 1]);
  assert(requests.hasGivenUp);
  assertInstanceOf(requests.error, HostError);
  assertEquals(
    requests.error.message,
    "Too many jobs of the host short have ended within a minute, and they aren't started again; the last one was job2: FAILED; its output ended with:\nthe last line of job2",
  );
  assertEquals(scene.reports, [requests.error.message]);
});

Deno.test("AgentRequests reports that the last agent has ended after it has given up", async () => {
  await using scene = new Scene({ maxRestarts: 0 });
  const { requests } = scene;
  await requests.ask(3);
  scene.set("job0", "ended", "TIMEOUT");
  await scene.pass(1_000);
  assertEquals([requests.hasGivenUp, requests.size], [true, 2]);
  assertEquals(scene.changes, 1);
  scene.set("job1", "ended", "TIMEOUT");
  await scene.pass(10_000);
  assertEquals([requests.size, scene.changes], [1, 1]);
  requests.joined("job2");
  requests.replace("job2", 10, "its worker did not connect");
  await scene.pass(0);
  assertEquals([requests.size, scene.changes], [0, 2]);
  assertEquals(scene.reports.length, 2);
});

Deno.test("AgentRequests reports that it waits for no agent after it has given up", async () => {
  await using scene = new Scene({ maxRestarts: 0 });
  const { requests } = scene;
  await requests.ask(2);
  scene.set("job0", "ended", "TIMEOUT");
  await scene.pass(1_000);
  assertEquals([requests.size, scene.changes], [1, 1]);
  requests.dropWaiting(1);
  assertEquals([requests.size, scene.changes], [0, 2]);
});

Deno.test("AgentRequests.dropWaiting() calls off agents for which it gives up", async () => {
  await using scene = new Scene({ maxRestarts: 1 });
  const { requests, launcher } = scene;
  const refused = Promise.withResolvers<readonly string[]>();
  await requests.ask(2);
  const submit = launcher.submit.bind(launcher);
  launcher.submit = () => refused.promise;
  for (const id of ["job0", "job1"]) scene.set(id, "ended", "TIMEOUT");
  await scene.pass(1_000);
  assertEquals(requests.size, 2);
  requests.dropWaiting(1);
  assertEquals(requests.size, 1);
  refused.reject(new HostError("short", "worker", "no more jobs"));
  await scene.pass(0);
  assertEquals([requests.hasGivenUp, requests.size], [true, 0]);
  launcher.submit = submit;
  await requests.ask(2);
  assertEquals([requests.size, launcher.cancelled], [2, []]);
});

Deno.test("AgentRequests names the shared folder if the last agent printed nothing", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  launcher.first = { state: "ended", reason: "FAILED" };
  launcher.lastLine = "";
  launcher.sharesFiles = true;
  await requests.ask(1);
  await scene.pass(30_000);
  assertStringIncludes(
    requests.error!.message,
    "job2: FAILED; it printed nothing: its machine must share the folder /none with this one (the host's option 'folder')",
  );
});

Deno.test("AgentRequests cancels an agent that runs but doesn't join, and asks for another", async () => {
  await using scene = new Scene({ maxRestarts: 0 });
  const { requests, launcher } = scene;
  await requests.ask(1);
  await scene.pass(2 * START_TIMEOUT);
  assertEquals(launcher.cancelled, []);
  scene.set("job0", "running");
  // It is noted within 10 seconds, and then may take the time limit.
  await scene.pass(START_TIMEOUT);
  assertEquals(launcher.cancelled, []);
  await scene.pass(20_000);
  assertEquals(launcher.cancelled, ["job0"]);
  assertStringIncludes(requests.error!.message, "'startTimeout' of 30000 ms");
});

Deno.test("AgentRequests goes on when the launcher can't be asked for a while", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(1);
  launcher.queryProblem = new HostError("short", "worker", "no controller");
  await scene.pass(60_000);
  assertEquals(requests.error, launcher.queryProblem);
  assertEquals(scene.reports, ["no controller"]);
  launcher.queryProblem = undefined;
  await scene.pass(10_000);
  assertEquals([requests.error, requests.size], [undefined, 1]);
});

Deno.test("AgentRequests tries again when the launcher refuses to replace an agent", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(1);
  scene.set("job0", "ended", "TIMEOUT");
  launcher.submitProblem = new HostError("short", "worker", "no more jobs");
  await scene.pass(1_000);
  await scene.pass(0);
  assertEquals(requests.error, launcher.submitProblem);
  assertEquals(scene.reports, ["no more jobs; trying again"]);
  assertEquals(requests.size, 1);
  launcher.submitProblem = undefined;
  await scene.pass(1_000);
  assertEquals(launcher.requests, [1, 1]);
  assert(requests.has("job1"));
});

Deno.test("AgentRequests.dropWaiting() cancels agents that haven't joined, those in the queue first", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(4);
  requests.joined("job0");
  scene.set("job1", "running");
  await scene.pass(1_000);
  requests.dropWaiting(2);
  assertEquals(launcher.cancelled, ["job2", "job3"]);
  requests.dropWaiting(2);
  assertEquals(launcher.cancelled, ["job2", "job3", "job1"]);
  assertEquals(requests.size, 1);
});

Deno.test("AgentRequests.dropWaiting() calls off agents that are about to be asked for", async () => {
  await using scene = new Scene({ maxRestarts: 10 });
  const { requests, launcher } = scene;
  launcher.first = { state: "ended", reason: "FAILED" };
  await requests.ask(2);
  await scene.pass(1_000);
  await scene.pass(0);
  await scene.pass(1_000);
  // They have ended twice, so there is a pause now.
  assertEquals([launcher.requests, requests.size], [[2, 2], 2]);
  requests.dropWaiting(1);
  assertEquals(requests.size, 1);
  launcher.first = { state: "pending", reason: "" };
  await scene.pass(1_000);
  assertEquals([launcher.requests, requests.size], [[2, 2, 1], 1]);
});

Deno.test("AgentRequests.dropWaiting() calls off agents that are being asked for", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  const accepted = Promise.withResolvers<void>();
  const submit = launcher.submit.bind(launcher);
  launcher.submit = async (request) => {
    await accepted.promise;
    return await submit(request);
  };
  const asking = requests.ask(3);
  assertEquals(requests.size, 3);
  requests.dropWaiting(2);
  assertEquals(requests.size, 1);
  accepted.resolve();
  await asking;
  assertEquals([launcher.requests, requests.size], [[3], 1]);
  assertEquals(launcher.cancelled, ["job1", "job2"]);
  requests.dropWaiting(1);
  assertEquals([launcher.cancelled.at(-1), requests.size], ["job0", 0]);
});

Deno.test("AgentRequests.ask() counts no agents that the launcher has refused", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  launcher.submitProblem = new HostError("short", "worker", "full");
  const asking = requests.ask(3);
  requests.dropWaiting(1);
  await assertRejects(() => asking, HostError, "full");
  assertEquals(requests.size, 0);
  launcher.submitProblem = undefined;
  await requests.ask(2);
  assertEquals(requests.size, 2);
});

Deno.test("AgentRequests.giveUp() asks for no others when no agent is left", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(2);
  requests.joined("job0");
  requests.joined("job1");
  const error = new Error("its initializer failed");
  requests.giveUp("job0", error);
  assertEquals([requests.hasGivenUp, scene.changes], [false, 0]);
  requests.giveUp("job1", error);
  assertEquals([requests.hasGivenUp, scene.changes], [true, 1]);
  assertEquals(launcher.cancelled, ["job0", "job1"]);
});

Deno.test("AgentRequests.replace() asks for another agent, but not for ever", async () => {
  await using scene = new Scene({ maxRestarts: 1 });
  const { requests, launcher } = scene;
  await requests.ask(1);
  requests.joined("job0");
  requests.replace("job0", 10, "its worker did not connect");
  await scene.pass(0);
  assertEquals(launcher.cancelled, ["job0"]);
  assert(requests.has("job1"));
  requests.joined("job1");
  requests.replace("job1", 10, "its worker did not connect");
  await scene.pass(0);
  assertEquals([requests.size, requests.hasGivenUp], [0, true]);
  assertStringIncludes(
    requests.error!.message,
    "job1: its worker did not connect; its output",
  );
});

Deno.test("AgentRequests.stop() cancels what waits at once, and later what doesn't end by itself", async () => {
  await using scene = new Scene();
  const { requests, launcher, time } = scene;
  await requests.ask(3);
  requests.joined("job0");
  requests.joined("job1");
  scene.set("job0", "running");
  scene.set("job1", "running");
  const stopped = requests.stop(false);
  await time.runMicrotasks();
  assertEquals(launcher.cancelled, ["job2"]);
  scene.set("job0", "ended");
  await scene.pass(10_000);
  await stopped;
  assertEquals(launcher.cancelled, ["job2", "job1"]);
});

Deno.test("AgentRequests.stop() rejects when the launcher can't cancel, and leaves that to the reaper", async () => {
  await using scene = new Scene();
  const { requests, launcher } = scene;
  await requests.ask(2);
  requests.joined("job0");
  scene.set("job0", "running");
  launcher.cancelProblem = new HostError("short", "launcher", "no controller");
  const rejected = assertRejects(
    () => requests.stop(false),
    HostError,
    "no controller",
  );
  await scene.pass(10_000);
  await rejected;
  assertEquals(scene.agents, ["job0", "job1"]);
  launcher.cancelProblem = undefined;
});
