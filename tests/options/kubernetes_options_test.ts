import { assertEquals, assertThrows } from "@std/assert";
import {
  type KubernetesOptions,
  kubernetesSettings,
} from "../../src/options/kubernetes_options.ts";

Deno.test("kubernetesSettings() reads the spec and fills in the defaults", () => {
  assertEquals(kubernetesSettings({ host: "kubernetes://batch/32" }), {
    name: "batch",
    workers: 32,
    namespace: "batch",
    context: undefined,
    kubectlArgs: [],
    image: `denoland/deno:${Deno.version.deno}`,
    deno: "deno",
    folder: "/etc/distex",
    requests: {},
    limits: {},
    nodeSelector: {},
    tolerations: [],
    serviceAccount: undefined,
    ttl: 600_000,
    podSpec: {},
    containerSpec: {},
  });
  const { name, namespace, workers } = kubernetesSettings({
    host: "kubernetes://",
    workers: 3,
  });
  assertEquals([name, namespace, workers], ["kubernetes", undefined, 3]);
});

Deno.test("kubernetesSettings() refuses what Kubernetes would refuse", () => {
  const cases: [Partial<KubernetesOptions>, typeof Error, string][] = [
    [{ host: "kubernetes://Batch/3" }, RangeError, `'namespace' must be lower`],
    [
      { host: "kubernetes://batch" },
      RangeError,
      "number of workers is missing",
    ],
    [{ workers: 2 }, RangeError, "number of workers is both 2 and 3"],
    [
      { requests: { cpu: "many" } },
      RangeError,
      "'requests.cpu' must be a quan",
    ],
    [{ limits: { memory: -1 } }, RangeError, "'limits.memory' must be a quant"],
    [{ limits: { cpu: true as never } }, TypeError, "'limits.cpu' must be a q"],
    [{ tolerations: ["x"] as never }, TypeError, "'tolerations' must be an ar"],
    [{ nodeSelector: { a: 1 as never } }, TypeError, "'nodeSelector.a' must b"],
    [{ folder: "files" }, RangeError, "'folder' must be an absolute path"],
    [{ ttl: -1 }, RangeError, "'ttl' must be a number of milliseconds"],
    [
      { podSpec: { containers: [] } },
      RangeError,
      "'podSpec' can't have 'containers', which the pool writes: use 'image'",
    ],
    [
      { containerSpec: { args: [] } },
      RangeError,
      "'containerSpec' can't have 'args', which the pool writes: use 'denoArgs'",
    ],
    [
      { podSpec: { volumes: {} } },
      TypeError,
      "'podSpec.volumes' must be an array",
    ],
    [{ image: 5 as never }, TypeError, "'image' must be a string"],
    [{ account: "x" } as never, TypeError, "it has no option 'account'"],
  ];
  for (const [options, ErrorClass, message] of cases) {
    assertThrows(
      () => kubernetesSettings({ host: "kubernetes://batch/3", ...options }),
      ErrorClass as ErrorConstructor,
      message,
    );
  }
});
