/**
 * Measures the pool beside others: `deno task bench:peers`, see ../README.md.
 *
 * @module
 */

import type { Effort, Row, Section } from "../measure.ts";
import { type Extra, runProgram } from "../program.ts";
import { NodeFolder } from "./node_folder.ts";
import { PeerSet } from "./peer_set.ts";
import { type Peer, PEERS, POOL } from "./peers.ts";
import { measureInRounds, type Notes } from "./rounds.ts";
import { type Work, WORKS } from "./works.ts";

/** As shells report a program that a signal ended. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 };

/** A peer that failed at a work. */
interface Failure {
  readonly peer: string;
  readonly work: string;
  readonly reason: string;
}

/** What a run found out beside its rows. */
class Findings implements Notes, Extra {
  readonly #peers: PeerSet;
  readonly #reduced: Record<string, number> = {};
  readonly #failures: Failure[] = [];

  constructor(peers: PeerSet) {
    this.#peers = peers;
  }

  reduced(row: string, count: number): void {
    this.#reduced[row] = count;
  }

  async failed(name: string, work: string, reason: string): Promise<void> {
    this.#failures.push({ peer: name, work, reason });
    await this.#peers.end(PEERS.find((peer) => peer.name === name)!);
  }

  fields(): Record<string, unknown> {
    const peers = [...this.#peers.hellos]
      .map(([name, hello]) => ({ name, ...hello }));
    return { peers, reduced: this.#reduced, failures: this.#failures };
  }

  lines(): string[] {
    const hellos = [...this.#peers.hellos];
    return [
      "",
      ...hellos.flatMap(([name, hello]) =>
        "missing" in hello
          ? []
          : [`${name}: version ${hello.version}, ${hello.runtime}`]
      ),
      ...hellos.flatMap(([name, hello]) =>
        "missing" in hello ? [`Missing: ${name}: ${hello.missing}`] : []
      ),
      ...this.#failures.map(({ peer, work, reason }) =>
        `Failed: ${peer} at ${work}: ${reason}`
      ),
      ...Object.entries(this.#reduced).map(([row, count]) =>
        `Reduced: ${row} did only ${count}, since more would take too long`
      ),
    ];
  }
}

function section(work: Work, peers: PeerSet, findings: Findings): Section {
  const namesOf = ({ name }: Peer) =>
    work.names.map((start) => `${start}/${name}`);
  return {
    title: work.title,
    names: work.peers.flatMap(namesOf),
    async run(wanted: ReadonlySet<string>, effort: Effort): Promise<Row[]> {
      const selected = work.peers.filter((peer) =>
        peer.name === POOL || namesOf(peer).some((name) => wanted.has(name))
      );
      const processes = await peers.start(selected, work.workers);
      const own = peers.hellos.get(POOL)!;
      if ("missing" in own) throw new Error(own.missing);
      const participants = [...processes]
        .map(([{ name }, process]) => ({ name, process }));
      return await measureInRounds(work, participants, effort, findings);
    },
  };
}

if (import.meta.main) {
  await using folder = new NodeFolder();
  await using peers = new PeerSet(folder);
  let interruption: Promise<void> | undefined;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    if (signal === "SIGTERM" && Deno.build.os === "windows") continue;
    Deno.addSignalListener(signal, () => {
      interruption ??= (async () => {
        await peers[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
        Deno.exit(EXIT_CODES[signal]);
      })();
    });
  }
  const findings = new Findings(peers);
  try {
    await runProgram({
      help: "Measures the pool beside other pools, in turns.",
      task: "bench:peers",
      sections: WORKS.map((work) => section(work, peers, findings)),
      extra: findings,
    });
  } catch (error) {
    if (interruption === undefined) throw error;
    // The measurement has lost its peers.
    await interruption;
  }
}
