/** A debugger on any free port, which only this machine can reach. */
const ANY_PORT = "127.0.0.1:0";

const PUBLISH = "--inspect-publish-uid";

/**
 * Returns the flags with which `deno run` has a debugger.
 *
 * @param inspect Whether it has one, and whether it waits for it.
 * @param denoArgs Further arguments of `deno run`.
 */
export function inspectFlags(
  inspect: boolean | "wait",
  denoArgs: readonly string[],
): string[] {
  if (inspect === false) return [];
  const name = inspect === "wait" ? "--inspect-wait" : "--inspect";
  // By HTTP, any user of the machine would get the address, and run code.
  const isPublished = denoArgs.some((arg) => arg.startsWith(PUBLISH));
  return [
    `${name}=${ANY_PORT}`,
    ...(isPublished ? [] : [`${PUBLISH}=stderr`]),
  ];
}
