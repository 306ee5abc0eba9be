import { assertEquals } from "@std/assert";
import { readJobs } from "../../../src/hosts/pbs/read_jobs.ts";

Deno.test("readJobs() reads the jobs of Slurm's qstat", () => {
  // Recorded from Slurm 22.05 with slurm-wlm-torque.
  const output = `Job Id:\t1
\tJob_Name = distex-1
\tJob_Owner = root@vm
\tjob_state = R
\tqueue = main
\tResource_List.walltime = 00:10:00
\tResource_List.ncpus = 2

Job Id:\t2
\tJob_Name = distex-1
\tjob_state = Q
\tqueue = main

`;
  const none = { comment: undefined, exitStatus: undefined };
  assertEquals(
    readJobs(output),
    new Map([
      ["1", { letter: "R", ...none }],
      ["2", { letter: "Q", ...none }],
    ]),
  );
});

Deno.test("readJobs() reads the jobs of an array of OpenPBS", () => {
  const output = `Job Id: 1234[].pbs.example.org
    Job_Name = distex
    job_state = B
    array = True
    comment = Not Running: Insufficient amount of resource: ncpus (R: 4 A: 0
\t T: 4)
    Variable_List = PBS_O_HOME=/home/me,PBS_O_LANG=C.UTF-8,
\tPBS_O_PATH=/usr/local/bin:/usr/bin:/bin,comment = no,
\tPBS_O_HOST=login

Job Id: 1234[1].pbs.example.org
    Job_Name = distex
    job_state = R
    comment = Job run at Sat Nov 28 at 13:00 on (node1:ncpus=4)

Job Id: 1234[2].pbs.example.org
    Job_Name = distex
    job_state = Q

Job Id: 1234[3].pbs.example.org
    job_state = X
    Exit_status = 271

`;
  const jobs = readJobs(output);
  assertEquals([...jobs].map(([id, { letter }]) => [id, letter]), [
    ["1234[]", "B"],
    ["1234[1]", "R"],
    ["1234[2]", "Q"],
    ["1234[3]", "X"],
  ]);
  assertEquals(
    jobs.get("1234[]")!.comment,
    "Not Running: Insufficient amount of resource: ncpus (R: 4 A: 0 T: 4)",
  );
  assertEquals(jobs.get("1234[3]")!.exitStatus, "271");
});

Deno.test("readJobs() reads a completed job of Torque", () => {
  const output = `Job Id: 12.host
    Job_Name = distex
    job_state = C
    exit_status = 0
`;
  assertEquals(
    readJobs(output.replaceAll("\n", "\r\n")),
    new Map([["12", { letter: "C", comment: undefined, exitStatus: "0" }]]),
  );
});

Deno.test("readJobs() returns nothing without jobs", () => {
  assertEquals(readJobs("").size, 0);
  assertEquals(readJobs("qstat: Unknown Job Id 12.host\n").size, 0);
});
