/**
 * Who this worker is: a name that survives a restart where the platform gives one.
 *
 * A restarted worker of the same name resumes its own trial at once, instead of leaving it to the lease.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

const MAX_NAME_BYTES = 128;
const held = new Set<string>();

/** This process's random name, another one in every process. */
export const incarnationId = randomBytes(8).toString("hex");

/**
 * The worker's name as the platform gives it: Slurm job and task, pod and container, else host, device and random.
 */
export function defaultWorkerId(env: NodeJS.ProcessEnv = process.env): string {
  const device = env["CUDA_VISIBLE_DEVICES"] && `cuda${env["CUDA_VISIBLE_DEVICES"]}`;
  if (env["SLURM_JOB_ID"]) {
    const array = env["SLURM_ARRAY_JOB_ID"] && env["SLURM_ARRAY_TASK_ID"];
    const job = array ? `${env["SLURM_ARRAY_JOB_ID"]}_${array}` : env["SLURM_JOB_ID"];
    return name(["slurm", job, env["SLURM_STEP_ID"] ?? "0", env["SLURM_PROCID"] ?? "0"]);
  }
  if (env["KUBERNETES_SERVICE_HOST"]) {
    const pod = env["POD_NAME"] || env["HOSTNAME"] || hostname();
    return name(["pod", pod, env["CONTAINER_NAME"], device, env["LOCAL_RANK"]]);
  }
  return name([hostname(), device, randomBytes(4).toString("hex")]);
}

/** The name, or the name with a number if another loop of this process has it: one trial at a time each. */
export function claim(workerId: string): string {
  let claimed = workerId;
  for (let number = 2; held.has(claimed); number += 1) {
    claimed = `${workerId.slice(0, MAX_NAME_BYTES - 6)}-${number}`;
  }
  held.add(claimed);
  return claimed;
}

/** Gives a claimed name back. */
export function unclaim(workerId: string): void {
  held.delete(workerId);
}

/** The parts that are there, in 1 to 128 printable ASCII characters. */
function name(parts: readonly (string | undefined)[]): string {
  return parts
    .filter(Boolean)
    .join("-")
    .replace(/[^!-~]/g, "_")
    .slice(0, MAX_NAME_BYTES);
}
