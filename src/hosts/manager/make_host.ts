import type { HostSettings } from "../../options/host_spec.ts";
import type { PoolSettings } from "../../options/pool_settings.ts";
import { grantedBy } from "../../options/worker_permissions.ts";
import type { PoolServices } from "../pool_services.ts";
import type { Connector, WorkerRequest } from "../remote/connector.ts";
import { RemoteHost } from "../remote/remote_host.ts";
import { ServerConnector } from "../server/server_connector.ts";
import { SshConnector } from "../ssh/ssh_connector.ts";

/** Makes a host on another machine, where a spawner starts the workers. */
export function makeRemoteHost(
  host: HostSettings,
  settings: PoolSettings,
  services: PoolServices,
): RemoteHost {
  const request = workerRequest(host, settings);
  const { token, listen } = settings;
  const connector: Connector = host.kind === "ssh"
    ? new SshConnector(host, request, services)
    : new ServerConnector(host, token, request, listen, services);
  return new RemoteHost(host, connector, services);
}

/** Returns how the workers of a host are started there. */
export function workerRequest(
  { permissions, denoArgs = [], env, cwd, fanout }: Pick<
    HostSettings,
    "permissions" | "denoArgs" | "env" | "cwd" | "fanout"
  >,
  pool: PoolSettings,
): WorkerRequest {
  const { inspect, maxMemory } = pool;
  return {
    grants: grantedBy(permissions ?? pool.permissions),
    denoArgs: [...pool.denoArgs, ...denoArgs],
    env: { ...pool.env, ...env },
    ...(inspect === false ? {} : { inspect }),
    ...(cwd === undefined ? {} : { cwd }),
    ...(fanout === undefined ? {} : { fanout }),
    ...(maxMemory === undefined ? {} : { maxMemory }),
  };
}
