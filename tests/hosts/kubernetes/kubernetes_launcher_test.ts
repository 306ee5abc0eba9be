import {
  assert,
  assertEquals,
  assertMatch,
  assertNotMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { HostError } from "../../../src/errors/host_error.ts";
import type { LaunchRequest } from "../../../src/hosts/launch/launcher.ts";
import { KubernetesLauncher } from "../../../src/hosts/kubernetes/kubernetes_launcher.ts";
import {
  type KubernetesOptions,
  kubernetesSettings,
} from "../../../src/options/kubernetes_options.ts";
import { KubeApi, kubeTest } from "../../helpers/kube_api.ts";
import { launchRequest, untilState } from "../../helpers/launchers.ts";
import { gone } from "../../helpers/processes.ts";
import { runProgram } from "../../helpers/run_program.ts";

const { signal } = new AbortController();

function launcherOf(
  api: KubeApi | undefined,
  options: Partial<KubernetesOptions> = {},
): KubernetesLauncher {
  return new KubernetesLauncher(kubernetesSettings({
    host: "kubernetes://batch/2",
    kubectlArgs: api?.kubectlArgs ?? [],
    ...options,
  }));
}

/** A request for agents that print their job and the files, then sleep. */
function sleepers(fields: Partial<LaunchRequest> = {}): LaunchRequest {
  return launchRequest({
    command: [
      "sh",
      "-c",
      'cat "$0"; cat "${0%token}note"; echo " $GREETING $2"; exec sleep 1000',
      "/etc/distex/token",
    ],
    env: { GREETING: "hello" },
    files: [
      { name: "token", text: "hush ", isSecret: true },
      { name: "note", text: "ünïcode", isSecret: false },
    ],
    ...fields,
  });
}

Deno.test("KubernetesLauncher.plan() shows manifests without secrets", () => {
  const launcher = launcherOf(undefined, {
    context: "home",
    kubectlArgs: ["-v=0"],
  });
  const { files, commands } = launcher.plan(sleepers());
  assertEquals(files, []);
  const kubectl = [
    ...["kubectl", "--context=home", "--namespace=batch"],
    ...["--request-timeout=30s", "-v=0"],
  ];
  assertEquals(commands.map(({ args }) => args), [
    [...kubectl, "create", "-f", "-", "-o", "json"],
    [...kubectl, "create", "-f", "-"],
  ]);
  const [job, list] = commands.map(({ input }) => JSON.parse(input!));
  assertEquals(job.kind, "Job");
  assertEquals(
    list.items.map(({ kind }: { kind: string }) => kind),
    ["Secret", "ConfigMap"],
  );
  assertNotMatch(JSON.stringify(commands), /hush/);
  assertMatch(JSON.stringify(commands), /ünïcode/);
});

kubeTest("KubernetesLauncher runs an agent in each pod of a Job", async () => {
  await using api = await KubeApi.start();
  const launcher = launcherOf(api);
  const ids = await launcher.submit(sleepers(), signal);
  assertEquals(ids, ["pool-1-0", "pool-1-1"]);
  for (const id of ids) {
    assertEquals((await untilState(launcher, id, "running")).reason, "");
  }
  // A secret is no argument of a process.
  assertNotMatch((await runProgram("ps", ["-ww", "aux"])).stdout, /hush/);
  const [first, second] = api.pods;
  api.killForMemory(first!);
  api.evict(second!);
  const states = [];
  for (const id of ids) states.push(await untilState(launcher, id, "ended"));
  assertEquals(states.map(({ reason }) => reason), [
    "OOMKilled: exit code 137",
    "Evicted: The node was low on resource: memory.",
  ]);
  assertEquals(await launcher.output(ids[1]!), `hush ünïcode hello ${ids[1]}`);
  await launcher.cancel(ids);
  await api.until(({ names }) => names.length === 0);
  assertEquals((await launcher.query(ids, signal)).size, 0);
  assertEquals(await launcher.output(ids[1]!), "");
});

kubeTest(
  "KubernetesLauncher.cancel() ends single agents, and the last with its Job",
  async () => {
    await using api = await KubeApi.start();
    const launcher = launcherOf(api);
    const ids = await launcher.submit(sleepers({ agents: 3 }), signal);
    const { pids } = api;
    await launcher.cancel([ids[1]!]);
    assertEquals(
      (await untilState(launcher, ids[1]!, "ended")).reason,
      "its pod is gone",
    );
    await gone(pids[1]!);
    assertEquals(api.pids, [pids[0], pids[2]]);
    // It has ended already.
    await launcher.cancel([ids[1]!]);
    await launcher.cancel([ids[0]!, ids[2]!]);
    await api.until(({ names }) => names.length === 0);
    for (const pid of pids) await gone(pid);
  },
);

kubeTest("KubernetesLauncher.cancelCommand() deletes all Jobs", async () => {
  await using api = await KubeApi.start();
  const launcher = launcherOf(api);
  const ids = [
    ...await launcher.submit(sleepers(), signal),
    ...await launcher.submit(sleepers({ name: "pool-2" }), signal),
  ];
  const [program, ...args] = launcher.cancelCommand(ids);
  const { code, stderr } = await runProgram(program!, args);
  assertEquals(code, 0, stderr);
  await api.until(({ names }) => names.length === 0);
});

kubeTest("KubernetesLauncher reports why agents wait", async () => {
  await using api = await KubeApi.start();
  const launcher = launcherOf(api);
  api.setQuota(1);
  const reason = "0/3 nodes are available: 3 Insufficient cpu.";
  api.setUnschedulable(reason);
  const ids = await launcher.submit(sleepers(), signal);
  assertEquals([...(await launcher.query(ids, signal)).values()], [
    { state: "pending", reason: `Unschedulable: ${reason}` },
    {
      state: "pending",
      reason:
        'FailedCreate: Error creating: pods "pool-1-" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=1, limited: pods=1',
    },
  ]);
  // Users who may not see events don't see the reasons.
  api.forbidden.add("list events");
  const { state, reason: none } = (await launcher.query(ids, signal)).get(
    ids[1]!,
  )!;
  assertEquals([state, none], ["pending", ""]);
  api.forbidden.clear();
  api.setUnschedulable(undefined);
  await untilState(launcher, ids[0]!, "running");
  api.setQuota(2);
  await untilState(launcher, ids[1]!, "running");
  const other = launcherOf(api, { image: "no/such-image" });
  api.setQuota(3);
  const [id] = await other.submit(
    sleepers({ name: "pool-2", agents: 1 }),
    signal,
  );
  assertEquals(
    (await untilState(other, id!, "pending")).reason,
    'ImagePullBackOff: Back-off pulling image "no/such-image"',
  );
});

kubeTest(
  "KubernetesLauncher throws what kubectl says, and leaves nothing",
  async () => {
    await using api = await KubeApi.start();
    const submit = (launcher: KubernetesLauncher) =>
      launcher.submit(sleepers(), signal);
    const error = await assertRejects(
      () => submit(launcherOf(api, { podSpec: { nodeName: 5, nodeNam: "x" } })),
      HostError,
      "Can't use the host batch: 'kubectl create' failed (exit code 1). kubectl said:\n    Error from server (BadRequest)",
    );
    assertEquals([error.host, error.step], ["batch", "launcher"]);
    api.forbidden.add("create secrets");
    await assertRejects(
      () => submit(launcherOf(api)),
      HostError,
      'secrets is forbidden: User "tester" cannot create resource "secrets"',
    );
    await api.until(({ names }) => names.length === 0);
    await assertRejects(
      () => submit(launcherOf(api, { context: "nowhere" })),
      HostError,
      `context "nowhere" does not exist`,
    );
  },
);

kubeTest(
  "KubernetesLauncher.submit() can be aborted, and leaves nothing",
  async () => {
    await using api = await KubeApi.start();
    const launcher = launcherOf(api);
    const stop = new AbortController();
    const submitted = launcher.submit(sleepers(), stop.signal);
    await api.until(({ jobs }) => jobs.length > 0);
    stop.abort();
    const error = await assertRejects(() => submitted);
    assert(error === stop.signal.reason);
    await api.until(({ names }) => names.length === 0);
  },
);

kubeTest(
  "KubernetesLauncher.close() deletes Jobs that have ended",
  async () => {
    await using api = await KubeApi.start();
    const launcher = launcherOf(api);
    await launcher.submit(sleepers({ command: ["true"] }), signal);
    await api.until(({ jobs }) => jobs[0]!.status.conditions.length > 0);
    await launcher.close();
    assertEquals(api.names, []);
    await launcher.close();
  },
);

kubeTest(
  "KubernetesLauncher's files are deleted with a Job that expires",
  async () => {
    await using api = await KubeApi.start();
    const launcher = launcherOf(api);
    await launcher.submit(sleepers({ command: ["true"] }), signal);
    await api.until(({ jobs }) => jobs[0]!.status.conditions.length > 0);
    assertEquals(api.names.filter((name) => !name.startsWith("pods/")), [
      "jobs/pool-1",
      "secrets/pool-1",
      "configmaps/pool-1",
    ]);
    api.expireJobs();
    assertEquals(api.names, []);
  },
);

Deno.test("KubernetesLauncher refuses files that no ConfigMap can hold", async () => {
  const text = "é".repeat(600_000);
  const files = [{ name: "program.js", text, isSecret: false }];
  const error = await assertRejects(
    () => launcherOf(undefined).submit(launchRequest({ files }), signal),
    HostError,
  );
  assertStringIncludes(
    error.message,
    "the pool's files have 1200000 bytes, but a ConfigMap or Secret of Kubernetes holds at most 1048576",
  );
});
