import {
  assert,
  assertEquals,
  assertFalse,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { HostError } from "../../src/errors/host_error.ts";
import { settled } from "../helpers/fake_worker.ts";
import { DIED, Scene } from "../helpers/supervisor_fixture.ts";

/** How long workers may take to end, and then the reports of their kills. */
const STOP_TIMEOUT = 3_000;
const KILL_TIMEOUT = 1_000;

Deno.test("WorkerSupervisor.start() starts the number of workers that the host returns", async () => {
  await using scene = new Scene();
  const workers = await scene.supervisor.start();
  assertEquals(workers.map(({ process }) => process.name), [
    "fake worker 1",
    "fake worker 2",
  ]);
  assert(workers.every(({ host }) => host === scene.supervisor));
  const { workers: count, error, lostWorkers, expectsWorkers } =
    scene.supervisor;
  assertEquals([count, error, lostWorkers, expectsWorkers], [
    2,
    undefined,
    0,
    true,
  ]);
});

Deno.test("WorkerSupervisor.start() starts as many workers at the same time as the host permits", async () => {
  await using scene = new Scene();
  scene.open = () => Promise.resolve(5);
  scene.connects = false;
  scene.parallelStarts = 2;
  const starting = scene.supervisor.start();
  for (let connected = 0; connected < 5; connected++) {
    const processes = await scene.processes(Math.min(connected + 2, 5));
    await settled();
    assertEquals(processes.length, Math.min(connected + 2, 5));
    processes[connected]!.connect();
  }
  const workers = await starting;
  assertEquals(
    workers.map(({ process }) => process.name),
    [1, 2, 3, 4, 5].map((number) => `fake worker ${number}`),
  );
});

Deno.test("WorkerSupervisor.start() starts no more workers after a failure", async () => {
  await using scene = new Scene();
  scene.open = () => Promise.resolve(5);
  scene.connects = false;
  scene.parallelStarts = 2;
  const starting = assertRejects(() => scene.supervisor.start(), HostError);
  const [first, second] = await scene.processes(2);
  second!.end(DIED);
  await starting;
  first!.connect();
  await settled();
  assertEquals(scene.host.processes.length, 2);
});

Deno.test("WorkerSupervisor.start() counts the workers that it had no time to start", async () => {
  await using scene = new Scene({ startTimeout: 10 });
  scene.open = () => Promise.resolve(5);
  scene.connects = false;
  scene.parallelStarts = 2;
  const starting = assertRejects(
    () => scene.supervisor.start(),
    HostError,
    "4 of the 5 workers of the host fake have not connected",
  );
  const [first] = await scene.processes(2);
  first!.connect();
  await settled();
  assertEquals(scene.host.processes.length, 3);
  await scene.time.runAllAsync();
  await starting;
  scene.host.processes[1]!.connect();
  await settled();
  assertEquals(scene.host.processes.length, 3);
});

Deno.test("WorkerSupervisor.start() fails when a worker ends before it connects", async () => {
  await using scene = new Scene();
  scene.connects = false;
  const starting = scene.supervisor.start();
  const [first, second] = await scene.processes(2);
  first!.connect();
  second!.end(DIED);
  const error = await assertRejects(() => starting, HostError);
  assertStringIncludes(
    error.message,
    "fake worker 2 did not connect (exit code 9)",
  );
  assertStringIncludes(error.message, "alas");
});

Deno.test("WorkerSupervisor.start() fails when a worker can't be started", async () => {
  await using scene = new Scene();
  scene.startProblem = new TypeError("no way");
  const error = await assertRejects(() => scene.supervisor.start(), HostError);
  assertMatch(
    error.message,
    /^The fake worker [12] did not connect \(could not be started: .*no way\)$/,
  );
});

Deno.test("WorkerSupervisor.start() reports only the exit status when a worker wrote nothing", async () => {
  await using scene = new Scene();
  scene.connects = false;
  const starting = scene.supervisor.start();
  const [first] = await scene.processes(2);
  first!.end({ exitStatus: "exit code 9", stderrTail: "" });
  const error = await assertRejects(() => starting, HostError);
  assertEquals(
    error.message,
    "The fake worker 1 did not connect (exit code 9)",
  );
});

Deno.test("WorkerSupervisor.start() fails when a worker doesn't connect in time", async () => {
  await using scene = new Scene({ startTimeout: 10 });
  scene.connects = false;
  const starting = assertRejects(() => scene.supervisor.start(), HostError);
  await scene.time.runMicrotasks();
  await scene.time.runAllAsync();
  const error = await starting;
  assertStringIncludes(error.message, "'startTimeout' of 10 ms");
});

Deno.test("WorkerSupervisor replaces a worker that has ended", async () => {
  await using scene = await Scene.started();
  scene.host.processes[1]!.end(DIED);
  await scene.until(() => scene.replacements.length === 1);
  assertEquals(scene.replacements[0]!.process.name, "fake worker 2");
  assertEquals(scene.host.processes.length, 3);
  assertEquals([scene.supervisor.lostWorkers, scene.givenUp], [1, 0]);
});

Deno.test("WorkerSupervisor tries again when a replacement ends before it connects", async () => {
  await using scene = await Scene.started();
  scene.connects = false;
  scene.host.processes[0]!.end(DIED);
  const [, , replacement] = await scene.processes(3);
  replacement!.end(DIED);
  const [, , , next] = await scene.processes(4);
  next!.connect();
  await scene.until(() => scene.replacements.length === 1);
  assertEquals(scene.supervisor.lostWorkers, 2);
});

Deno.test("WorkerSupervisor kills a replacement that doesn't connect in time, and tries again", async () => {
  await using scene = await Scene.started();
  scene.connects = false;
  scene.options.startTimeout = 10;
  scene.host.processes[0]!.end(DIED);
  const [, , late] = await scene.processes(3);
  await scene.until(() => late!.isKilled);
  await scene.processes(4);
});

Deno.test("WorkerSupervisor gives up after too many losses, and reports the last one's end", async () => {
  await using scene = await Scene.started({ maxRestarts: 1 });
  for (let count = 0; count < 3; count++) {
    assertEquals(scene.givenUp, 0);
    const processes = await scene.processes(2 + count);
    processes.at(-1)!.end(DIED);
    await settled();
  }
  const { error, expectsWorkers, lostWorkers } = scene.supervisor;
  assertEquals([scene.givenUp, expectsWorkers, lostWorkers], [1, false, 3]);
  assertStringIncludes(error!.message, "exit code 9");
  assertStringIncludes(error!.message, "alas");
  assertEquals(scene.reports, [error!.message]);
  scene.host.processes[0]!.end(DIED);
  await settled();
  assertEquals([scene.givenUp, scene.host.processes.length], [1, 4]);
});

Deno.test("WorkerSupervisor replaces any number of blameless workers", async () => {
  await using scene = new Scene({ maxRestarts: 1 });
  let [worker] = await scene.supervisor.start();
  for (let count = 1; count < 6; count++) {
    worker!.process.kill(true);
    // Its connection breaks as a result.
    worker!.process.kill();
    await scene.until(() => scene.replacements.length === count);
    worker = scene.replacements.at(-1);
  }
  assertEquals([scene.givenUp, scene.supervisor.error], [0, undefined]);
});

Deno.test("WorkerSupervisor.expectsWorkers is true after giving up while a replacement starts", async () => {
  await using scene = new Scene({ maxRestarts: 0 });
  const [first, second] = await scene.supervisor.start();
  scene.connects = false;
  first!.process.kill(true);
  const [, , replacement] = await scene.processes(3);
  second!.process.kill();
  await scene.until(() => scene.supervisor.error !== undefined);
  assert(scene.supervisor.expectsWorkers);
  assertEquals(scene.givenUp, 0);
  replacement!.end(DIED);
  await scene.until(() => scene.givenUp === 1);
  assertFalse(scene.supervisor.expectsWorkers);
  assertEquals(scene.host.processes.length, 3);
});

Deno.test("WorkerSupervisor replaces workers again after it has reconnected to a lost host", async () => {
  await using scene = await Scene.started({ maxRestarts: 0 });
  const giveUp = async () => {
    scene.host.processes[0]!.end(DIED);
    await scene.until(() => !scene.supervisor.expectsWorkers);
    assertStringIncludes(scene.supervisor.error!.message, "Too many workers");
  };
  await giveUp();
  scene.replacements.length = 0;
  scene.host.lose(new Error("pulled the plug"));
  await scene.until(() => scene.supervisor.expectsWorkers);
  await scene.until(() => scene.replacements.length === 2);
  assertEquals(scene.supervisor.error, undefined);
  await giveUp();
  assertEquals(scene.reports.filter((line) => /Too many/.test(line)).length, 2);
});

Deno.test("WorkerSupervisor reports why the last worker was refused when it gives up", async () => {
  await using scene = new Scene({ maxRestarts: 0 });
  const [worker] = await scene.supervisor.start();
  worker!.process.refuse("it was no good");
  worker!.channel.close();
  await scene.until(() => scene.givenUp === 1);
  assertStringIncludes(scene.supervisor.error!.message, "it was no good");
});

Deno.test("WorkerSupervisor gives up and reports the error when workers can't be started any more", async () => {
  await using scene = await Scene.started({ maxRestarts: 1 });
  scene.startProblem = new TypeError("no way");
  scene.host.processes[0]!.end(DIED);
  await scene.until(() => scene.givenUp === 1);
  assertStringIncludes(scene.supervisor.error!.message, "no way");
});

Deno.test("WorkerSupervisor reconnects to a lost host with all workers", async () => {
  await using scene = await Scene.started();
  const [lost] = scene.hosts;
  for (const process of lost!.processes) {
    process.end({ ...DIED, hostLost: true });
  }
  lost!.lose(new HostError("fake", "connection", "pulled the plug"));
  await settled();
  const { supervisor } = scene;
  assertEquals(
    [supervisor.lostSince !== undefined, supervisor.expectsWorkers],
    [true, true],
  );
  assertEquals(supervisor.error?.message, "pulled the plug");
  await scene.until(() => scene.replacements.length === 2);
  assertEquals([supervisor.lostSince !== undefined, supervisor.error], [
    false,
    undefined,
  ]);
  assertEquals([lost!.isClosed, scene.hosts.length], [true, 2]);
  assertEquals([lost!.processes.length, supervisor.lostWorkers], [2, 2]);
  assertEquals(scene.reports, [
    "was lost (pulled the plug); trying to connect again",
    "is connected again",
  ]);
});

Deno.test("WorkerSupervisor knows why its host is lost when it reports the loss", async () => {
  const errors: (string | undefined)[] = [];
  await using scene = await Scene.started({
    onChanged: () => errors.push(scene.supervisor.error?.message),
  });
  scene.host.lose(new Error("pulled the plug"));
  await scene.until(() => scene.replacements.length === 2);
  assertEquals(errors, ["pulled the plug"]);
});

Deno.test("WorkerSupervisor ends the workers of a lost host", async () => {
  await using scene = await Scene.started();
  const [lost] = scene.hosts;
  lost!.lose(new Error("pulled the plug"));
  await scene.until(() => scene.replacements.length === 2);
  assert(lost!.processes.every(({ hasEnded }) => hasEnded));
});

/** Returns which figures of the workers that aren't there yet are known. */
function startingOf({ supervisor: { starting } }: Scene) {
  if (starting === undefined) return undefined;
  const { workers, since, next } = starting;
  return [workers, since !== undefined, next !== undefined];
}

Deno.test("WorkerSupervisor.starting reports the workers that aren't there yet", async () => {
  await using scene = new Scene();
  const { open } = scene;
  const opened = Promise.withResolvers<number>();
  scene.open = () => opened.promise;
  scene.connects = false;
  assertEquals(startingOf(scene), undefined);
  const workers = scene.supervisor.start();
  assertEquals(startingOf(scene), [0, true, false]);
  opened.resolve(2);
  await scene.time.runMicrotasks();
  const processes = await scene.processes(2);
  assertEquals(startingOf(scene), [2, true, false]);
  for (const process of processes) process.connect();
  await workers;
  assertEquals(startingOf(scene), undefined);
  scene.open = open;
  scene.host.lose(new Error("pulled the plug"));
  await scene.until(() => startingOf(scene)?.[2] === true);
  assertEquals(startingOf(scene), [0, false, true]);
  await scene.until(() => startingOf(scene)?.[2] === false);
  assertEquals(startingOf(scene)?.[1], true);
});

Deno.test("WorkerSupervisor tries to reconnect to a lost host after pauses that double", async () => {
  await using scene = await Scene.started();
  const { open } = scene;
  let tries = 0;
  scene.open = () => Promise.reject(new Error(`try ${++tries}`));
  const { random } = Math;
  // Jitter shortens pauses by up to a half; now it always takes a half.
  Math.random = () => 0;
  try {
    scene.host.lose(new Error("pulled the plug"));
    for (const [index, pause] of [250, 500, 1_000].entries()) {
      await scene.time.tickAsync(pause - 1);
      assertEquals(tries, index);
      await scene.time.tickAsync(1);
    }
    scene.open = open;
    await scene.time.tickAsync(2_000 - 1);
    assertEquals([tries, scene.replacements.length], [3, 0]);
    await scene.time.tickAsync(1);
    await scene.until(() => scene.replacements.length === 2);
  } finally {
    Math.random = random;
  }
  assertEquals(scene.supervisor.error, undefined);
  assert(scene.hosts.slice(0, -1).every((host) => host.isClosed));
});

Deno.test("WorkerSupervisor tries a lost host again when a worker there ends early", async () => {
  await using scene = await Scene.started();
  scene.connects = false;
  scene.host.lose(new Error("pulled the plug"));
  await scene.until(() => scene.hosts.length === 2);
  const [first, second] = await scene.processes(2);
  first!.connect();
  scene.connects = true;
  second!.end(DIED);
  await scene.until(() => scene.replacements.length === 2);
  assertEquals(scene.hosts.length, 3);
  assert(first!.hasEnded);
});

Deno.test("WorkerSupervisor reports late workers of a lost host, and tries again", async () => {
  await using scene = await Scene.started({ startTimeout: 100 });
  scene.connects = false;
  scene.host.lose(new Error("pulled the plug"));
  await scene.until(() =>
    /have not connected/.test(`${scene.supervisor.error}`)
  );
  const error = scene.supervisor.error as HostError;
  assertEquals([error.host, error.step], ["fake", "worker"]);
  assertStringIncludes(error.message, "2 of the 2 workers of the host fake");
  scene.connects = true;
  await scene.until(() => scene.replacements.length === 2);
});

Deno.test("WorkerSupervisor replaces workers of a host that it has reconnected to", async () => {
  await using scene = await Scene.started();
  scene.host.lose(new Error("pulled the plug"));
  await scene.until(() => scene.replacements.length === 2);
  scene.host.processes[0]!.end(DIED);
  await scene.until(() => scene.replacements.length === 3);
  scene.host.lose(new Error("once more"));
  await scene.until(() => scene.replacements.length === 5);
  assertEquals(scene.hosts.length, 3);
});

/** Stages in which a scene is stopped, and how to reach them. */
const STAGES: [stage: string, reach: (scene: Scene) => Promise<void>][] = [
  ["all is well", async () => {}],
  ["a worker is being replaced", async (scene) => {
    scene.connects = false;
    scene.host.processes[0]!.end(DIED);
    await scene.processes(3);
  }],
  ["there is a pause before a replacement", async (scene) => {
    for (let count = 2; count < 6; count++) {
      const processes = await scene.processes(count);
      processes.at(-1)!.end(DIED);
      await settled();
    }
  }],
  ["there is a pause before a host is tried again", async (scene) => {
    scene.host.lose(new Error("pulled the plug"));
    await scene.until(() => scene.supervisor.lostSince !== undefined);
  }],
  ["a lost host is being opened", async (scene) => {
    const { promise, reject } = Promise.withResolvers<number>();
    scene.open = () => promise;
    scene.host.lose(new Error("pulled the plug"));
    await scene.until(() => scene.hosts.length === 2);
    const { close } = scene.host;
    scene.host.close = function () {
      reject(new Error("closed"));
      return close.call(this);
    };
  }],
  ["the workers of a lost host are being started", async (scene) => {
    scene.connects = false;
    scene.host.lose(new Error("pulled the plug"));
    await scene.until(() => scene.hosts.length === 2);
    await scene.processes(2);
  }],
];

for (const [stage, reach] of STAGES) {
  Deno.test(`WorkerSupervisor.stop() ends everything when ${stage}`, async () => {
    await using scene = await Scene.started();
    await reach(scene);
    const { replacements: { length }, hosts } = scene;
    await scene.supervisor.stop();
    assert(hosts.every(({ isClosed }) => isClosed));
    const processes = hosts.flatMap(({ processes }) => processes);
    assert(processes.every(({ hasEnded }) => hasEnded));
    assertEquals(scene.replacements.length, length);
    assertEquals([scene.supervisor.expectsWorkers, scene.givenUp], [false, 0]);
  });
}

Deno.test("WorkerSupervisor.stop() closes a host that doesn't report the ends of its workers", async () => {
  await using scene = await Scene.started();
  const [stuck, other] = scene.host.processes;
  stuck!.isStuck = true;
  const stopping = scene.supervisor.stop();
  await scene.time.tickAsync(STOP_TIMEOUT - 1);
  assertFalse(stuck!.isKilled);
  await scene.time.tickAsync(1);
  assert(stuck!.isKilled);
  await scene.time.tickAsync(KILL_TIMEOUT - 1);
  assertFalse(scene.host.isClosed);
  await scene.time.tickAsync(1);
  await stopping;
  assert(scene.host.isClosed && other!.hasEnded);
  assertFalse(stuck!.hasEnded);
});
