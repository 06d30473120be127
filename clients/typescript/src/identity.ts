/**
 * Who this worker is: a name that survives a restart where the platform gives one.
 *
 * A restarted worker of the same name resumes its own trial at once, instead of leaving it to the lease.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Server } from "node:net";
import { createServer } from "node:net";
import { hostname } from "node:os";

const MAX_NAME_BYTES = 128;
/** Locks by worker name; each held until the process ends or gives the name back. */
const locks = new Map<string, Server>();

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

/**
 * The name, or the name with a number if another worker of this machine has it now: one trial at a time each.
 *
 * Two processes in one pod, or two loops in one process, would otherwise take the trial out of each other's hands for
 * ever. A restarted process gets the same name again.
 */
export async function claim(workerId: string): Promise<string> {
  let claimed = workerId;
  for (let number = 2; !(await lock(claimed)); number += 1) {
    claimed = `${workerId.slice(0, MAX_NAME_BYTES - 6)}-${number}`;
  }
  return claimed;
}

/** Gives a claimed name back. */
export function unclaim(workerId: string): void {
  locks.get(workerId)?.close();
  locks.delete(workerId);
}

/**
 * Whether this process now has the name to itself.
 *
 * Node locks no files, so what is locked is the name of an abstract Unix socket, which Linux frees however the process
 * ends. Elsewhere names are unique in one process only.
 */
async function lock(name: string): Promise<boolean> {
  if (locks.has(name)) return false;
  const server = createServer((socket) => socket.destroy()).unref();
  locks.set(name, server);
  if (process.platform !== "linux") return true;
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 24);
  const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
    server.once("error", resolve);
    server.listen({ path: `\0asha-worker-${process.getuid!()}-${digest}`, exclusive: true }, () => resolve(undefined));
  });
  if (error?.code !== "EADDRINUSE") return true; // free, or no place for locks: the name stands as it is
  locks.delete(name);
  return false;
}

/** The parts that are there, in 1 to 128 printable ASCII characters. */
function name(parts: readonly (string | undefined)[]): string {
  return parts
    .filter(Boolean)
    .join("-")
    .replace(/[^!-~]/g, "_")
    .slice(0, MAX_NAME_BYTES);
}
