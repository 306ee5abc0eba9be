/** A task: writes to both streams of its worker. */
export async function say(out: string, err: string): Promise<void> {
  const write = (
    to: { write(bytes: Uint8Array): Promise<number> },
    text: string,
  ) => to.write(new TextEncoder().encode(text));
  await write(Deno.stdout, out);
  await write(Deno.stderr, err);
}
