import { assertEquals } from "@std/assert";
import { AgentJobs } from "../../../src/hosts/launch/agent_jobs.ts";
import type { Reaper } from "../../../src/spawner/reaper.ts";
import { FakeLauncher } from "../../helpers/fake_launcher.ts";

/** A launcher that can cancel requests whose agents aren't known. */
class NamedLauncher extends FakeLauncher {
  cancelRequestCommand(name: string): readonly string[] {
    return ["abandon", name];
  }
}

/** Jobs, and the commands that would run if the program were killed now. */
class Scene {
  readonly jobs: AgentJobs;
  readonly #places: (readonly string[] | undefined)[] = [];

  constructor() {
    const reaper: Pick<Reaper, "atEnd"> = {
      atEnd: () => {
        const place = this.#places.push(undefined) - 1;
        return (command) => this.#places[place] = command;
      },
    };
    this.jobs = new AgentJobs(
      {
        launcher: new NamedLauncher(),
        folder: undefined,
        deno: "deno",
        workersPerAgent: 1,
        group: 1,
        token: "a token",
        door: {
          address: { transport: "tcp", hostname: "127.0.0.1", port: 1 },
          certificate: undefined,
          fingerprint: undefined,
        },
      },
      "the program",
      reaper as Reaper,
    );
  }

  get commands(): string[] {
    return this.#places.flatMap((command) => command?.join(" ") ?? []);
  }

  /** How many places the reaper has. */
  get places(): number {
    return this.#places.length;
  }
}

Deno.test("AgentJobs cancels requests in progress if the program is killed, whatever else happens", () => {
  const scene = new Scene();
  const { jobs } = scene;
  const first = jobs.request(1);
  const second = jobs.request(2);
  const abandon = [first, second].map(({ name }) => `abandon ${name}`);
  assertEquals(scene.commands, abandon);
  jobs.agentsChanged(["job0"]);
  jobs.asked(first);
  assertEquals(scene.commands, ["cancel job0", abandon[1]]);
  jobs.agentsChanged([]);
  assertEquals(scene.commands, [abandon[1]]);
  jobs.asked(second);
  assertEquals(scene.commands, []);
  const { places } = scene;
  for (let round = 0; round < 3; round++) jobs.asked(jobs.request(1));
  assertEquals(scene.places, places);
});
