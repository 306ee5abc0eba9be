import { HostError } from "../../errors/host_error.ts";
import { type Address, formatPlace } from "../../transport/address.ts";
import { fingerprintOf } from "../../transport/fingerprint.ts";
import { isGranted } from "../../util/is_granted.ts";
import type { PoolServices } from "../pool_services.ts";

/** Where a pool listens for agents. */
export interface DoorSettings {
  /** The host name or address, if one was given. */
  readonly hostname: string | undefined;
  /** The port; 0 is any that is free. */
  readonly port: number;
}

/** The address where agents and their workers connect. */
export interface AgentDoor {
  /** The address for agents, with a host name that other machines know. */
  readonly address: Exclude<Address, { transport: "unix" }>;
  /** The pool's certificate (PEM), for a `tls` address. */
  readonly certificate: string | undefined;
  /** The certificate's fingerprint, for a `tls` address. */
  readonly fingerprint: string | undefined;
}

/** All IPv4 addresses of this machine. */
const EVERYWHERE = "0.0.0.0";

/** Stands for the fingerprint of a certificate that isn't made yet. */
const UNKNOWN_FINGERPRINT = "(made at the start)";

/**
 * Listens for agents: with TLS, unless only this machine can reach the address.
 *
 * @param host The name of the host, for messages.
 * @throws {HostError} If it can't listen there.
 */
export async function openDoor(
  host: string,
  { hostname, port }: DoorSettings,
  services: PoolServices,
): Promise<AgentDoor> {
  const transport = transportOf(hostname);
  const told = toldName(host, hostname);
  const place = hostname ?? EVERYWHERE;
  let address: AgentDoor["address"];
  try {
    const wanted = { transport, hostname: place, port } as const;
    address = await services.listen(wanted) as AgentDoor["address"];
  } catch (cause) {
    throw new HostError(
      host,
      "connection",
      `Can't use the host ${host}: this machine can't listen on ${
        formatPlace(place, port)
      } for its workers (${cause}): check the pool's option 'listen'`,
      { cause },
    );
  }
  const certificate = transport === "tls"
    ? await services.certificate()
    : undefined;
  return {
    address: { ...address, hostname: told },
    certificate,
    fingerprint: certificate && await fingerprintOf(certificate),
  };
}

/**
 * Returns the address before the pool listens there, with the port 0 if it may
 * be any, and without the fingerprint.
 *
 * @throws {HostError} If this machine's name isn't known.
 */
export function planDoor(
  host: string,
  { hostname, port }: DoorSettings,
): AgentDoor {
  const transport = transportOf(hostname);
  return {
    address: { transport, hostname: toldName(host, hostname), port },
    certificate: undefined,
    fingerprint: transport === "tls" ? UNKNOWN_FINGERPRINT : undefined,
  };
}

function transportOf(hostname: string | undefined): "tcp" | "tls" {
  return isLoopback(hostname) ? "tcp" : "tls";
}

/** The host name that agents are told. */
function toldName(host: string, hostname: string | undefined): string {
  return hostname === undefined || isWildcard(hostname)
    ? ownName(host)
    : hostname;
}

/** This machine's name, which others can hopefully resolve. */
function ownName(host: string): string {
  if (isGranted({ name: "sys", kind: "hostname" })) return Deno.hostname();
  throw new HostError(
    host,
    "name",
    `Can't use the host ${host}: the program may not read this machine's name, to which workers connect: set the pool's option 'listen.hostname', or allow it with --allow-sys=hostname`,
  );
}

function isLoopback(hostname: string | undefined): boolean {
  return hostname === "localhost" || hostname === "::1" ||
    hostname !== undefined && /^127(?:\.\d+){3}$/.test(hostname);
}

function isWildcard(hostname: string): boolean {
  return hostname === EVERYWHERE || hostname === "::";
}
