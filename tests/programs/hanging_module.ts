/** A module that enters a gate while it loads, and never finishes loading. */

const { searchParams } = new URL(import.meta.url);
const port = Number(searchParams.get("port"));

/** A task. */
export const name = (): string => import.meta.url;

await Deno.connect({ hostname: "127.0.0.1", port });
await new Promise(() => {});
