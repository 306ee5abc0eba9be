import { assertEquals, assertThrows } from "@std/assert";
import {
  type TemplateOptions,
  templateSettings,
} from "../../src/options/template_options.ts";

Deno.test("templateSettings() takes the program's name as the host's", () => {
  const launch = ["/opt/bin/flux", "submit", "{command}"];
  const settings = templateSettings({ launch, workers: 4 });
  assertEquals(settings, {
    name: "flux",
    launch,
    end: undefined,
    query: undefined,
    isForeground: true,
  });
  assertEquals(
    templateSettings({ launch, workers: 4, name: "blue" }).name,
    "blue",
  );
});

Deno.test("templateSettings() leaves other braces alone", () => {
  const launch = ["sh", "-c", 'echo "${HOME}" \'{"a": 1}\' { x }; {command}'];
  const query = ["docker", "inspect", "--format={{.State.Running}}", "{job}"];
  templateSettings({ launch, query, workers: 1 });
});

Deno.test("templateSettings() refuses what can't work", () => {
  const launch = ["flux", "{command}"];
  const cases: [Partial<TemplateOptions>, typeof Error, string][] = [
    [{ launch: [] }, RangeError, "'launch' must be a program"],
    [{ launch: "flux" as never }, TypeError, "'launch' must be an array of"],
    [
      { launch: ["flux"] },
      RangeError,
      `In the host "flux" the option 'launch' must have the placeholder {command}`,
    ],
    [
      { launch: [...launch, "{jobs}"] },
      RangeError,
      "'launch' has the placeholder {jobs}, but can only have {command}, {name}, {job}, {workers}, {folder}",
    ],
    [
      { end: ["flux", "cancel", "{command}"] },
      RangeError,
      "'end' has the placeholder {command}, but can only have {name}, {job}",
    ],
    [
      { launch: ["sh", "-c", "{command}"] },
      RangeError,
      "'launch' has -c before {command}, which becomes several arguments there",
    ],
    [{ query: ["{id}"] }, RangeError, "'query' has the placeholder {id}"],
    [{ workers: 0 }, RangeError, "'workers' must be an integer of at least 1"],
    [{ workers: -1 }, RangeError, "'workers' must be an integer"],
    [{ start: 1 } as never, TypeError, "it has no option 'start'"],
  ];
  for (const [options, ErrorClass, message] of cases) {
    assertThrows(
      () => templateSettings({ launch, workers: 1, ...options }),
      ErrorClass as ErrorConstructor,
      message,
    );
  }
});
