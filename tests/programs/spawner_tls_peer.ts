/**
 * One end of a TLS connection. The first argument selects what it does:
 * `listen` only listens; `idle` also has an idle connection; `exit` connects to
 * the port in the second argument and exits after receiving a byte; `stay`
 * waits for more.
 */

import { makeCertificate } from "../../src/transport/certificate.ts";
import { TlsServer } from "../../src/transport/tls_server.ts";
import { connect } from "../../src/transport/connect.ts";

const [ending, port] = Deno.args;
if (ending === "listen" || ending === "idle") await listen(ending === "idle");
else await run(Number(port));

async function listen(isAwaited: boolean): Promise<void> {
  const certificate = await makeCertificate();
  const connected = Promise.withResolvers<void>();
  const listener = await TlsServer.listen(
    "127.0.0.1",
    0,
    certificate,
    (connection) => {
      connection.unref();
      connection.read(new Uint8Array(1));
      connected.resolve();
    },
    () => 64,
  );
  console.log(JSON.stringify({ port: listener.port, cert: certificate.cert }));
  if (!isAwaited) return;
  const timer = setInterval(() => {}, 1_000_000);
  await connected.promise;
  clearInterval(timer);
}

async function run(port: number): Promise<void> {
  const certificate = await new Response(Deno.stdin.readable).text();
  const connection = await connect(
    { transport: "tls", hostname: "127.0.0.1", port },
    certificate,
  );
  await connection.read(new Uint8Array(1));
  console.log("read");
  if (ending === "exit") Deno.exit(0);
  await new Promise((resolve) => setInterval(resolve, 1_000_000));
}
