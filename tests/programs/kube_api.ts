/**
 * Runs a {@linkcode KubeApi} until its standard input ends. Prints kubectl's
 * arguments as one line of JSON.
 *
 * @module
 */

import { KubeApi } from "../helpers/kube_api.ts";

await using api = await KubeApi.start();
console.log(JSON.stringify(api.kubectlArgs));
for await (const _ of Deno.stdin.readable);
