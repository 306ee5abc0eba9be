/** A module that tells a gate that it is being loaded, which never ends. */

const { searchParams } = new URL(import.meta.url);
const port = Number(searchParams.get("port"));

/** A task. */
export const name = (): string => import.meta.url;

await Deno.connect({ hostname: "127.0.0.1", port });
await new Promise(() => {});
