/**
 * The files that configure a Grid Engine of a test.
 *
 * @module
 */

const DEFAULTS = "/usr/share/gridengine/default-configuration";

/**
 * Writes the files that the daemons and commands read before they can talk to
 * each other. The machine has the name "localhost", as its own may have no
 * address.
 *
 * @param folder The root of the installation.
 * @param port The first port of the daemons.
 */
export async function writeCell(folder: string, port: number): Promise<void> {
  const common = `${folder}/cell/common`;
  const paths = [common, `${folder}/spool/job_scripts`, `${folder}/execd`];
  for (const path of paths) await Deno.mkdir(path, { recursive: true });
  await Deno.chmod(folder, 0o755);
  const hostname = Deno.hostname();
  const files = {
    "cell/common/bootstrap": lines({
      admin_user: "none",
      default_domain: "none",
      ignore_fqdn: "true",
      spooling_method: "classic",
      spooling_lib: "libspoolc",
      spooling_params: `${common};${folder}/spool`,
      binary_path: "/usr/sbin",
      qmaster_spool_dir: `${folder}/spool`,
      security_mode: "none",
      listener_threads: "1",
      worker_threads: "1",
      scheduler_threads: "1",
    }),
    "cell/common/act_qmaster": "localhost\n",
    "cell/common/host_aliases": hostname === "localhost"
      ? ""
      : `localhost ${hostname}\n`,
    configuration: await configuration(folder, port),
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
  for (const name of ["bin", "lib", "util", "utilbin"]) {
    await Deno.remove(`${folder}/${name}`).catch(() => {});
    await Deno.symlink(`/var/lib/gridengine/${name}`, `${folder}/${name}`);
  }
}

/** Debian's configuration, for root's jobs, and without delays. */
async function configuration(folder: string, port: number): Promise<string> {
  // Jobs of other installations on this machine must have other groups.
  const group = 1_000_000 + port * 100;
  return change(await Deno.readTextFile(DEFAULTS), {
    execd_spool_dir: `${folder}/execd`,
    min_uid: "0",
    min_gid: "0",
    load_report_time: "00:00:01",
    gid_range: `${group}-${group + 99}`,
    loglevel: "log_info",
  });
}

/** Changes a scheduler's configuration: it runs each second and ignores load. */
export function scheduler(text: string): string {
  return change(text, {
    schedule_interval: "0:0:1",
    flush_submit_sec: "1",
    flush_finish_sec: "1",
    job_load_adjustments: "NONE",
    load_adjustment_decay_time: "0:0:0",
  });
}

/** Changes values of a configuration. */
function change(
  text: string,
  changes: Readonly<Record<string, string>>,
): string {
  return text.replace(
    /^(\w+)([ \t]+).*$/gm,
    (line, name, space) =>
      name in changes ? `${name}${space}${changes[name]}` : line,
  );
}

/** The machine that runs jobs. */
export function execHost(): string {
  return lines({
    hostname: "localhost",
    ...all("NONE", "load_scaling complex_values user_lists xuser_lists"),
    ...all("NONE", "projects xprojects usage_scaling report_variables"),
  });
}

/** A parallel environment whose slots are on one machine. */
export const SMP = lines({
  pe_name: "smp",
  slots: "8",
  ...all("NONE", "user_lists xuser_lists start_proc_args stop_proc_args"),
  allocation_rule: "$pe_slots",
  control_slaves: "FALSE",
  job_is_first_task: "TRUE",
  urgency_slots: "min",
  accounting_summary: "FALSE",
  qsort_args: "NONE",
});

/** A queue that ignores the load of the machine. */
export function queue(name: string, slots: number): string {
  const limits = ["rt", "cpu", "fsize", "data", "stack", "core", "rss", "vmem"]
    .flatMap((limit) => [`s_${limit}`, `h_${limit}`]).join(" ");
  return lines({
    qname: name,
    hostlist: "localhost",
    seq_no: "0",
    nsuspend: "1",
    suspend_interval: "00:05:00",
    priority: "0",
    min_cpu_interval: "00:05:00",
    processors: "UNDEFINED",
    qtype: "BATCH",
    pe_list: "smp",
    rerun: "FALSE",
    slots: String(slots),
    tmpdir: "/tmp",
    shell: "/bin/sh",
    shell_start_mode: "posix_compliant",
    notify: "00:01:00",
    initial_state: "default",
    ...all("NONE", "load_thresholds suspend_thresholds ckpt_list prolog"),
    ...all("NONE", "epilog starter_method suspend_method resume_method"),
    ...all("NONE", "terminate_method owner_list user_lists xuser_lists"),
    ...all("NONE", "subordinate_list complex_values projects xprojects"),
    ...all("NONE", "calendar"),
    ...all("INFINITY", limits),
  });
}

/** Gives all names the same value. */
function all(value: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(" ").map((name) => [name, value]));
}

function lines(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${value}\n`).join("");
}
