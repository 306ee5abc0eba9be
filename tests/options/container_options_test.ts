import { assertEquals, assertThrows } from "@std/assert";
import {
  type ContainerOptions,
  containerSettings,
} from "../../src/options/container_options.ts";

Deno.test("containerSettings() reads the image and the workers of a spec", () => {
  const image = (host: string) => containerSettings({ host, workers: 4 }).image;
  assertEquals(image("docker://"), `denoland/deno:${Deno.version.deno}`);
  assertEquals(image("docker:///4"), `denoland/deno:${Deno.version.deno}`);
  assertEquals(image("podman://deno/4"), "deno");
  assertEquals(image("docker://me:5000/a/deno:2/4"), "me:5000/a/deno:2");
  const { kind, name, workers } = containerSettings({
    host: "podman://deno/4",
  });
  assertEquals([kind, name, workers], ["podman", "podman", 4]);
});

Deno.test("containerSettings() refuses what can't work", () => {
  const cases: [Partial<ContainerOptions>, typeof Error, string][] = [
    [{ host: "docker://deno" }, RangeError, "number of workers is missing"],
    [{ host: "docker://--rm/2" }, RangeError, "'image' must be the name"],
    [{ cpus: 0 }, RangeError, "'cpus' must be a number above 0, but is 0"],
    [{ cpus: "1" as never }, TypeError, "'cpus' must be a number above 0"],
    [{ memory: "2 GB" }, RangeError, `'memory' must be an amount of memory`],
    [{ memory: 2 as never }, TypeError, `'memory' must be an amount of memory`],
    [{ runArgs: "-t" as never }, TypeError, "'runArgs' must be an array of"],
    [{ gpus: 1 as never }, TypeError, "'gpus' must be a string"],
    [{ context: "x" } as never, TypeError, "it has no option 'context'"],
  ];
  for (const [options, ErrorClass, message] of cases) {
    assertThrows(
      () => containerSettings({ host: "docker://deno/2", ...options }),
      ErrorClass as ErrorConstructor,
      message,
    );
  }
});
