/**
 * Why a handshake failed:
 *
 * - `"version"`: the two ends speak different versions of the protocol;
 * - `"secret"`: the peer doesn't know the secret;
 * - `"id"`: the dialer sent no id, or an id that isn't expected;
 * - `"certificate"`: the listener has another certificate than the dialer expects;
 * - `"malformed"`: the peer sent bytes that aren't part of a handshake;
 * - `"closed"`: the peer closed the connection before the handshake was complete.
 */
export type HandshakeFailure =
  | "version"
  | "secret"
  | "id"
  | "certificate"
  | "malformed"
  | "closed";

/** Thrown when two ends of a connection can't authenticate each other. */
export class HandshakeError extends Error {
  /**
   * Constructs the error.
   *
   * @param code The reason, for programs.
   */
  constructor(
    readonly code: HandshakeFailure,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "HandshakeError";
  }
}
