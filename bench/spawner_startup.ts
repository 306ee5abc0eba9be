import type { HostOptions } from "../mod.ts";
import { makeCertificate } from "../src/transport/certificate.ts";
import { CERTIFICATE_NAME } from "../src/transport/connect.ts";
import { startSpawnerServer } from "../tests/helpers/spawner_server.ts";
import {
  type Effort,
  type Row,
  row,
  Samples,
  type Section,
} from "./measure.ts";
import { startAndStop } from "./startup.ts";
import { storeBundle } from "./store_bundle.ts";

const WORKERS = 2;
const PLAIN = `start-spawner/${WORKERS}`;
const TLS = `start-spawner-tls/${WORKERS}`;

/** Measures the start of pools with workers on a spawner server. */
export const spawnerStartup: Section = {
  title: "Start until ready, on a spawner server of this machine",
  names: [PLAIN, TLS],
  run,
};

async function run(
  wanted: ReadonlySet<string>,
  { repetitions }: Effort,
): Promise<Row[]> {
  await storeBundle();
  const certificate = await makeCertificate();
  await using plain = await startSpawnerServer();
  await using secured = await startSpawnerServer({ certificate });
  const tls = { caCerts: [certificate.cert], serverName: CERTIFICATE_NAME };
  const hosts: Record<string, HostOptions> = {
    [PLAIN]: { host: plain.spec(WORKERS) },
    [TLS]: { host: secured.spec(WORKERS), tls },
  };
  const names = [PLAIN, TLS].filter((name) => wanted.has(name));
  for (const name of names) {
    await startAndStop({ workers: 0, hosts: hosts[name]! });
  }
  const values = new Samples();
  for (let turn = 0; turn < repetitions; turn++) {
    for (const name of names) {
      const { start } = await startAndStop({ workers: 0, hosts: hosts[name]! });
      values.add(name, start);
    }
  }
  return names.map((name) => row(name, "ms", values.of(name)));
}
