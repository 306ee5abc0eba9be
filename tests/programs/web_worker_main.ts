/**
 * Starts a web worker from the module given as the argument, and prints the
 * message that it posts.
 *
 * @module
 */

const worker = new Worker(Deno.args[0]!, { type: "module" });
worker.onmessage = ({ data }) => {
  console.log(JSON.stringify(data));
  worker.terminate();
};
