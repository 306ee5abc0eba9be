import { createInterface } from "node:readline";
import process from "node:process";

/**
 * A peer that has started.
 *
 * @typedef {object} StartedPeer
 * @property {string} version The version of the peer.
 * @property {string} runtime The program that runs it, with its version.
 * @property {(request: object) => Promise<object>} perform
 *   Does a work, and returns the answer.
 * @property {() => unknown} close Ends the peer.
 */

/**
 * Serves a peer: prints who it is, then reads requests and prints answers, as
 * JSON in a line each, until its input ends.
 *
 * @param {() => Promise<StartedPeer>} start
 */
export async function serve(start) {
  let peer;
  try {
    peer = await start();
  } catch (error) {
    return answer({ missing: reasonOf(error) });
  }
  answer({ version: peer.version, runtime: peer.runtime });
  for await (const line of createInterface({ input: process.stdin })) {
    try {
      answer(await peer.perform(JSON.parse(line)));
    } catch (error) {
      answer({ error: reasonOf(error) });
    }
  }
  await peer.close();
}

function reasonOf(error) {
  return error instanceof Error ? error.message : String(error);
}

function answer(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
