import { isGranted } from "./is_granted.ts";

/**
 * Returns an environment variable, or `undefined` if it is empty or missing, or
 * if the program may not read it. Never prompts the user.
 */
export function getEnv(variable: string): string | undefined {
  if (!isGranted({ name: "env", variable })) return undefined;
  return Deno.env.get(variable) || undefined;
}
