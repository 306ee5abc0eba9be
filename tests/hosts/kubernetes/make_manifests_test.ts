import {
  assert,
  assertEquals,
  assertMatch,
  assertObjectMatch,
} from "@std/assert";
import {
  jobName,
  makeFiles,
  makeJob,
} from "../../../src/hosts/kubernetes/make_manifests.ts";
import { kubernetesSettings } from "../../../src/options/kubernetes_options.ts";
import { launchRequest } from "../../helpers/launchers.ts";

Deno.test("jobName() leaves room for the index in a pod's host name", () => {
  assertEquals(jobName("distex-1a2b-3"), "distex-1a2b-3");
  assertEquals(jobName("My_Pool-3"), "my-pool-3");
  const names = [1, 2].map((last) => jobName(`${"x".repeat(90)}-${last}`));
  assert(names[0] !== names[1]);
  for (const name of names) assertMatch(`${name}-99999`, /^[a-z0-9-]{1,63}$/);
});

Deno.test("makeJob() fills in all options", () => {
  const settings = kubernetesSettings({
    host: "kubernetes://batch/6",
    image: "registry/deno",
    requests: { cpu: "500m", memory: "1.5Gi" },
    limits: { "nvidia.com/gpu": 1 },
    nodeSelector: { zone: "a" },
    tolerations: [{ key: "gpu", operator: "Exists" }],
    serviceAccount: "runner",
    ttl: 1_500,
    podSpec: {
      priorityClassName: "low",
      volumes: [{ name: "data", emptyDir: {} }],
    },
    containerSpec: {
      imagePullPolicy: "Always",
      volumeMounts: [{ name: "data", mountPath: "/data" }],
    },
    folder: "/files",
  });
  const request = launchRequest({
    command: ["deno", "$(HOME)"],
    env: { A: "$(B)" },
  });
  assertEquals(makeJob(settings, request), {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: "pool-1",
      labels: {
        "app.kubernetes.io/managed-by": "distex",
        "app.kubernetes.io/instance": "pool-1",
      },
    },
    spec: {
      completionMode: "Indexed",
      completions: 2,
      parallelism: 2,
      backoffLimitPerIndex: 0,
      ttlSecondsAfterFinished: 2,
      template: {
        metadata: {
          labels: {
            "app.kubernetes.io/managed-by": "distex",
            "app.kubernetes.io/instance": "pool-1",
          },
        },
        spec: {
          priorityClassName: "low",
          restartPolicy: "Never",
          nodeSelector: { zone: "a" },
          tolerations: [{ key: "gpu", operator: "Exists" }],
          serviceAccountName: "runner",
          containers: [{
            imagePullPolicy: "Always",
            name: "agent",
            image: "registry/deno",
            command: [
              "deno",
              "$$(HOME)",
              "--job",
              "pool-1-$(JOB_COMPLETION_INDEX)",
            ],
            env: [{ name: "A", value: "$$(B)" }],
            resources: {
              requests: { cpu: "1500m", memory: "4.5Gi" },
              limits: { "nvidia.com/gpu": "3" },
            },
            volumeMounts: [
              { name: "distex-files", mountPath: "/files", readOnly: true },
              { name: "data", mountPath: "/data" },
            ],
          }],
          volumes: [{
            name: "distex-files",
            projected: {
              sources: [
                { secret: { name: "pool-1" } },
                { configMap: { name: "pool-1" } },
              ],
            },
          }, { name: "data", emptyDir: {} }],
        },
      },
    },
  });
});

Deno.test("makeJob() gives pods no token of the cluster by default", () => {
  const settings = kubernetesSettings({ host: "kubernetes://batch/6" });
  assertObjectMatch(makeJob(settings, launchRequest()), {
    spec: { template: { spec: { automountServiceAccountToken: false } } },
  });
});

Deno.test("makeFiles() puts secrets into a Secret, and all else into a ConfigMap", () => {
  const files = [
    { name: "token", text: "hush", isSecret: true },
    { name: "program.js", text: "run()", isSecret: false },
  ];
  const [secret, config] = makeFiles(
    launchRequest({ files }),
    "1-2-3",
    ({ text }) => text,
  );
  const owner = {
    apiVersion: "batch/v1",
    kind: "Job",
    name: "pool-1",
    uid: "1-2-3",
  };
  for (const { metadata } of [secret!, config!]) {
    assertEquals(metadata.name, "pool-1");
    assertEquals(metadata.ownerReferences, [owner]);
  }
  assertEquals([secret!.kind, secret!.stringData], ["Secret", {
    token: "hush",
  }]);
  assertEquals([config!.kind, config!.data], ["ConfigMap", {
    "program.js": "run()",
  }]);
});
