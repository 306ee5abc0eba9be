import { type SshServer, startSshServer } from "../tests/helpers/ssh_server.ts";
import {
  type Effort,
  type Row,
  row,
  Samples,
  type Section,
} from "./measure.ts";
import { canUseSsh, sshHost } from "./ssh_host.ts";
import { startAndStop } from "./startup.ts";
import { storeBundle } from "./store_bundle.ts";

const SIZES = [1, 2, 8];

/** A pool so large that the cost of each worker shows. */
const MANY = 64;
const LOCAL_MANY = `start/${MANY}`;
const SSH_MANY = `start-ssh/${MANY}`;
const LATER_MANY = `later-ssh/${MANY}`;

/** Measures the start of pools with workers on an ssh host. */
export const sshStartup: Section = {
  title: "Start until ready, over ssh to this machine",
  names: [...SIZES.map(sizeName), LOCAL_MANY, SSH_MANY, LATER_MANY],
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  effort: Effort,
): Promise<Row[]> {
  if (!canUseSsh(sshStartup.names, wanted)) return [];
  await using server = await startSshServer();
  await storeBundle();
  // This puts the bundle for ssh hosts into the cache.
  await startAndStop({ workers: 0, hosts: sshHost(server, 1) });
  const sizes = SIZES.filter((workers) => wanted.has(sizeName(workers)));
  const rows = await startSizes(server, sizes, effort);
  if ([LOCAL_MANY, SSH_MANY, LATER_MANY].some((name) => wanted.has(name))) {
    rows.push(...await startMany(server, effort));
  }
  return rows;
}

function sizeName(workers: number): string {
  return `start-ssh/${workers}`;
}

async function startSizes(
  server: SshServer,
  sizes: readonly number[],
  { repetitions }: Effort,
): Promise<Row[]> {
  const values = new Samples();
  for (let turn = 0; turn < repetitions; turn++) {
    for (const workers of sizes) {
      const hosts = sshHost(server, workers);
      values.add(
        sizeName(workers),
        (await startAndStop({ workers: 0, hosts })).start,
      );
    }
  }
  return sizes.map(sizeName).map((name) => row(name, "ms", values.of(name)));
}

/** Starts workers here and over ssh in turns, and compares the times. */
async function startMany(
  server: SshServer,
  { repetitions }: Effort,
): Promise<Row[]> {
  const values = new Samples();
  for (let turn = 0; turn < repetitions; turn++) {
    const { start: here } = await startAndStop({ workers: MANY });
    const hosts = sshHost(server, MANY);
    const { start: there } = await startAndStop({ workers: 0, hosts });
    values.add(LOCAL_MANY, here);
    values.add(SSH_MANY, there);
    values.add(LATER_MANY, there - here);
  }
  return [LOCAL_MANY, SSH_MANY, LATER_MANY]
    .map((name) => row(name, "ms", values.of(name)));
}
