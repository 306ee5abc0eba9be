import { assert, assertEquals } from "@std/assert";
import { FleetScene } from "../../helpers/fleet_scene.ts";

const ENDED = { state: "ended", reason: "NODE_FAIL" } as const;

Deno.test("LaunchedFleet asks again for a job that was back and is lost again before its first agent has ended", async () => {
  await using scene = new FleetScene(1);
  const { fleet, launcher } = scene;
  await fleet.start();
  const first = await scene.join("job0");
  assertEquals(scene.workers.size, 1);
  first.isMute = true;
  const again = await scene.join("job0");
  assertEquals([first.started, again.started], [1, 1]);
  again.hangUp();
  launcher.states.set("job0", ENDED);
  await scene.pass(10_000);
  assertEquals([launcher.requests, launcher.cancelled], [[1, 1], []]);
  first.hangUp();
});

Deno.test("LaunchedFleet starts no workers for an agent that leaves while one of its workers is released", async () => {
  await using scene = new FleetScene(2, 2);
  const { fleet } = scene;
  await fleet.start();
  const agent = await scene.join("job0");
  agent.startsLate = true;
  agent.endWorker();
  await scene.pass(1_000);
  assertEquals([agent.started, scene.workers.size], [3, 1]);
  const drained = Promise.withResolvers<void>();
  scene.drained = drained.promise;
  agent.leave();
  await scene.pass(0);
  const [worker] = scene.workers;
  fleet.release(worker!);
  await scene.pass(0);
  assertEquals(agent.started, 3);
  drained.resolve();
});

Deno.test("LaunchedFleet replaces no workers of a host that is removed", async () => {
  await using scene = new FleetScene(2, 2);
  const { fleet } = scene;
  await fleet.start();
  const agent = await scene.join("job0");
  assertEquals(scene.workers.size, 2);
  const drained = Promise.withResolvers<void>();
  scene.drained = drained.promise;
  fleet.resize(0);
  agent.endWorker();
  await scene.pass(1_000);
  assertEquals([agent.started, scene.workers.size], [2, 1]);
  drained.resolve();
});

Deno.test("LaunchedFleet asks for another agent when it grows while its last one ends", async () => {
  await using scene = new FleetScene(1);
  const { fleet, launcher } = scene;
  await fleet.start();
  await scene.join("job0");
  const [worker] = scene.workers;
  fleet.resize(0);
  fleet.resize(1);
  fleet.release(worker!);
  await scene.pass(0);
  assertEquals(launcher.cancelled, ["job0"]);
  assertEquals([fleet.workers, launcher.requests], [1, [1, 1]]);
});

Deno.test("LaunchedFleet.starting tells jobs that haven't connected from workers that start", async () => {
  await using scene = new FleetScene(3);
  const { fleet, launcher } = scene;
  await fleet.start();
  const running = { state: "running", reason: "" } as const;
  launcher.states.set("job0", running);
  launcher.states.set("job1", running);
  await scene.pass(1_000);
  const { jobs, jobsSince, ...none } = fleet.starting!;
  assertEquals(jobs, 2);
  assertEquals(none, { workers: 0, since: undefined, next: undefined });
  await scene.join("job2", true);
  const { workers, since, ...rest } = fleet.starting!;
  assertEquals(workers, 1);
  assert(since! > jobsSince!);
  assertEquals(rest, { next: undefined, jobs: 2, jobsSince: jobsSince! });
});
