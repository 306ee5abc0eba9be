import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { KubeApi, kubeTest, NAMESPACE } from "./kube_api.ts";
import { exists, gone, isAlive, until } from "./processes.ts";
import { type Outcome, runProgram } from "./run_program.ts";

const INDEX = "batch.kubernetes.io/job-completion-index";

function job(name: string, agents: number, command: string[]): unknown {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels: { app: "test" } },
    spec: {
      completionMode: "Indexed",
      completions: agents,
      parallelism: agents,
      backoffLimitPerIndex: 0,
      template: {
        metadata: { labels: { app: "test" } },
        spec: {
          restartPolicy: "Never",
          containers: [{ name: "main", image: "denoland/deno", command }],
        },
      },
    },
  };
}

async function kubectl(api: KubeApi, ...args: string[]): Promise<Outcome> {
  return await runProgram("kubectl", [...api.kubectlArgs, ...args]);
}

/** Creates an object from a file, as `runProgram` gives no input. */
async function create(api: KubeApi, object: unknown): Promise<Outcome> {
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(file, JSON.stringify(object));
  try {
    return await kubectl(api, "create", "-f", file, "-o", "json");
  } finally {
    await Deno.remove(file);
  }
}

kubeTest("KubeApi runs the pods of a Job that kubectl creates", async () => {
  await using api = await KubeApi.start();
  const script = "echo index $0 $1; exit $0";
  const created = await create(
    api,
    job("x", 2, ["sh", "-c", script, "$(JOB_COMPLETION_INDEX)", "$$(A)"]),
  );
  assertEquals(created.code, 0, created.stderr);
  assertEquals(JSON.parse(created.stdout).metadata.namespace, NAMESPACE);
  await api.until(({ jobs }) => jobs[0]!.status.conditions.length > 0);
  const { stdout } = await kubectl(api, "get", "jobs,pods", "-o", "json");
  const { items } = JSON.parse(stdout);
  assertEquals(items.length, 3);
  const { completedIndexes, failedIndexes, conditions } = items[0].status;
  assertEquals([completedIndexes, failedIndexes], ["0", "1"]);
  assertEquals(conditions[0].type, "Failed");
  const logs = await kubectl(api, "logs", "-l", `app=test,${INDEX} in (1,7)`);
  assertEquals(logs.stdout, "index 1 $(A)\n");
});

kubeTest("KubeApi ends the pods of a deleted Job", async () => {
  await using api = await KubeApi.start();
  await create(api, job("x", 2, ["sleep", "1000"]));
  const { pids } = api;
  assertEquals(pids.map(isAlive), [true, true]);
  const deleted = await kubectl(api, "delete", "job", "x", "--wait=false");
  assertEquals(deleted.code, 0, deleted.stderr);
  for (const pid of pids) await gone(pid);
  await api.until(({ names }) => names.length === 0);
});

kubeTest(
  "KubeApi refuses pods beyond the quota, and without a node",
  async () => {
    await using api = await KubeApi.start();
    api.setQuota(1);
    api.setUnschedulable("0/1 nodes are available");
    await create(api, job("x", 2, ["sleep", "1000"]));
    const { stdout } = await kubectl(api, "get", "events", "-o", "json");
    assertStringIncludes(stdout, "exceeded quota");
    assertEquals(api.pods.map(({ status }) => status.conditions[0]!.reason), [
      "Unschedulable",
    ]);
    api.setUnschedulable(undefined);
    api.setQuota(2);
    assertEquals(api.pids.length, 2);
  },
);

kubeTest(
  "KubeApi refuses users without its token, and forbidden verbs",
  async () => {
    await using api = await KubeApi.start();
    api.forbidden.add("create jobs");
    const refused = await create(api, job("x", 1, ["true"]));
    assertStringIncludes(refused.stderr, "(Forbidden)");
    const unknown = await kubectl(api, "--token=wrong", "get", "pods");
    assert(unknown.code !== 0);
    assertStringIncludes(unknown.stderr, "logged in to the server");
  },
);

kubeTest("KubeApi leaves nothing when its process is killed", async () => {
  const program = `
    import { KubeApi } from ${
    JSON.stringify(import.meta.resolve("./kube_api.ts"))
  };
    const api = await KubeApi.start();
    console.log(api.kubeconfig);
    await new Promise(() => {});`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  const folder = new TextDecoder().decode(value).trim().replace("/config", "");
  assert(exists(folder));
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  await until(() => !exists(folder));
});
