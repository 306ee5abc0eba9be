/**
 * The argument of a worker that may run in a job of a batch system, which sends
 * SIGTERM to all processes of the job: then only its agent decides when it ends.
 */
export const IN_JOB = "--in-job";
