import { assert, assertEquals, assertFalse } from "@std/assert";
import { settled } from "../helpers/fake_worker.ts";
import { DIED, Scene } from "../helpers/supervisor_fixture.ts";

/** A supervisor whose host has 8 CPUs and may have as many workers. */
async function started(
  min: number,
  options: ConstructorParameters<typeof Scene>[0] = {},
): Promise<Scene> {
  const scene = new Scene({ ...options, scaling: { min, idle: 1_000 } });
  scene.open = () => Promise.resolve(8);
  await scene.supervisor.start();
  return scene;
}

/** The names of the processes that haven't ended, in the order of their starts. */
function living(scene: Scene): string[] {
  return scene.host.processes.filter(({ hasEnded }) => !hasEnded)
    .map(({ process }) => process.name.replace("fake worker ", ""));
}

Deno.test("WorkerSupervisor.start() starts the minimum", async () => {
  for (const [min, max] of [[0, 8], [2, 8], [10, 10]] as const) {
    await using scene = await started(min);
    const { supervisor } = scene;
    assertEquals([supervisor.workers, living(scene).length], [min, min]);
    assertEquals(supervisor.range, { min, max, idle: 1_000 });
    assert(supervisor.expectsWorkers);
  }
});

Deno.test("WorkerSupervisor.resize() starts workers that are missing", async () => {
  await using scene = await started(0);
  scene.supervisor.resize(3);
  await scene.until(() => scene.replacements.length === 3);
  assertEquals(living(scene), ["1", "2", "3"]);
  assertEquals([scene.supervisor.workers, scene.supervisor.lostWorkers], [
    3,
    0,
  ]);
});

Deno.test("WorkerSupervisor.resize() starts as many workers at the same time as the host permits", async () => {
  const scene = new Scene({ scaling: { min: 0, idle: 1_000 } });
  await using _ = scene;
  scene.open = () => Promise.resolve(8);
  scene.parallelStarts = 2;
  scene.connects = false;
  await scene.supervisor.start();
  scene.supervisor.resize(5);
  for (let connected = 0; connected < 5; connected++) {
    const processes = await scene.processes(Math.min(connected + 2, 5));
    await settled();
    assertEquals(processes.length, Math.min(connected + 2, 5));
    processes[connected]!.connect();
  }
  await scene.until(() => scene.replacements.length === 5);
});

Deno.test("WorkerSupervisor.resize() calls off workers that haven't connected", async () => {
  await using scene = await started(1);
  scene.connects = false;
  scene.supervisor.resize(4);
  const processes = await scene.processes(4);
  processes[1]!.connect();
  await scene.until(() => scene.replacements.length === 1);
  scene.supervisor.resize(2);
  await settled();
  assertEquals(living(scene), ["1", "2"]);
  assertEquals(
    scene.calledOff,
    processes.slice(2).map((one) => one.number).toReversed(),
  );
  assertEquals([scene.supervisor.lostWorkers, scene.supervisor.error], [
    0,
    undefined,
  ]);
  scene.connects = true;
  scene.supervisor.resize(3);
  await scene.until(() => scene.replacements.length === 2);
  assertEquals(living(scene), ["1", "2", "3"]);
});

Deno.test("WorkerSupervisor.resize() calls off a replacement that waits", async () => {
  await using scene = await started(2);
  for (let count = 3; count < 5; count++) {
    scene.host.processes.at(-1)!.end(DIED);
    await scene.until(() => scene.host.processes.length === count);
  }
  // The next one comes after a pause.
  scene.host.processes.at(-1)!.end(DIED);
  await settled();
  scene.supervisor.resize(1);
  await scene.time.tickAsync(60_000);
  assertEquals([living(scene).length, scene.host.processes.length], [1, 4]);
});

Deno.test("WorkerSupervisor.release() ends a worker and doesn't replace it", async () => {
  await using scene = await started(3);
  const [, second] = scene.host.processes;
  scene.supervisor.resize(2);
  assertEquals(living(scene), ["1", "2", "3"]);
  scene.supervisor.release(second!.process);
  await settled();
  assertEquals(living(scene), ["1", "3"]);
  assertFalse(second!.isKilled);
  assertEquals(scene.supervisor.lostWorkers, 0);
  scene.supervisor.release(second!.process);
  scene.supervisor.resize(3);
  await scene.until(() => scene.replacements.length === 1);
  assertEquals(living(scene), ["1", "3", "2"]);
});

Deno.test("WorkerSupervisor.release() kills a worker that doesn't end", async () => {
  await using scene = await started(1);
  const [stuck] = scene.host.processes;
  stuck!.isStuck = true;
  scene.supervisor.resize(0);
  scene.supervisor.release(stuck!.process);
  await scene.until(() => stuck!.isKilled);
  stuck!.end(DIED);
});

Deno.test("WorkerSupervisor.stop() waits for workers that were released", async () => {
  const scene = await started(1);
  const [stuck] = scene.host.processes;
  stuck!.isStuck = true;
  scene.supervisor.resize(0);
  scene.supervisor.release(stuck!.process);
  let hasStopped = false;
  const stopping = scene.supervisor.stop().then(() => hasStopped = true);
  await settled();
  assertFalse(hasStopped);
  stuck!.end(DIED);
  await stopping;
  await scene[Symbol.asyncDispose]();
});

Deno.test("WorkerSupervisor replaces a lost worker only if it is still needed", async () => {
  await using scene = await started(3);
  scene.supervisor.resize(2);
  scene.host.processes[0]!.end(DIED);
  await settled();
  assertEquals(living(scene), ["2", "3"]);
  scene.host.processes[1]!.end(DIED);
  await scene.until(() => scene.replacements.length === 1);
  assertEquals([living(scene), scene.supervisor.lostWorkers], [["3", "2"], 2]);
});

Deno.test("WorkerSupervisor reconnects to a lost host with as many workers as it should have", async () => {
  await using scene = await started(1);
  scene.supervisor.resize(4);
  await scene.until(() => scene.replacements.length === 3);
  scene.host.lose(new Error("pulled the plug"));
  await scene.until(() => scene.supervisor.lostSince !== undefined);
  scene.supervisor.resize(2);
  await scene.until(() => scene.replacements.length === 5);
  assertEquals([scene.supervisor.workers, living(scene)], [2, ["1", "2"]]);
});

Deno.test("WorkerSupervisor ignores the release of a worker that was lost with its host", async () => {
  await using scene = await started(2);
  const [lost] = scene.host.processes;
  scene.supervisor.resize(1);
  lost!.end({ ...DIED, hostLost: true });
  scene.host.lose(new Error("pulled the plug"));
  scene.supervisor.release(lost!.process);
  await scene.until(() => scene.replacements.length === 1);
  assertEquals([scene.supervisor.workers, living(scene)], [1, ["1"]]);
});

Deno.test("WorkerSupervisor gives up if all its few workers are lost again and again", async () => {
  await using scene = await started(0, { maxRestarts: 2 });
  scene.supervisor.resize(1);
  for (let count = 1; count <= 3; count++) {
    const processes = await scene.processes(count);
    await settled();
    processes.at(-1)!.end(DIED);
    await settled();
  }
  assertEquals([scene.givenUp, scene.supervisor.expectsWorkers], [1, false]);
  scene.supervisor.resize(4);
  await settled();
  assertEquals(scene.host.processes.length, 3);
});
