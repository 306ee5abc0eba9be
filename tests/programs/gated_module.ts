/** A module that waits at a gate while it loads. */

const { searchParams } = new URL(import.meta.url);
const port = Number(searchParams.get("port"));

/** A task. */
export const pid = (): number => Deno.pid;

{
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.read(new Uint8Array(1));
}
