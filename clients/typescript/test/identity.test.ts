/** Names of workers. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { hostname } from "node:os";
import { test } from "node:test";

import { claim, defaultWorkerId, unclaim } from "../src/identity.js";

const SLURM = { SLURM_JOB_ID: "12", SLURM_STEP_ID: "1", SLURM_PROCID: "3" };

test("Slurm's job and task name the worker", () => {
  assert.equal(defaultWorkerId(SLURM), "slurm-12-1-3");
  assert.equal(defaultWorkerId({ ...SLURM, SLURM_ARRAY_JOB_ID: "10", SLURM_ARRAY_TASK_ID: "2" }), "slurm-10_2-1-3");
});

test("Kubernetes' pod and container name the worker", () => {
  const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1", POD_NAME: "trainer-0", CONTAINER_NAME: "main" };

  assert.equal(defaultWorkerId(env), "pod-trainer-0-main");
  assert.equal(defaultWorkerId({ ...env, CUDA_VISIBLE_DEVICES: "1" }), "pod-trainer-0-main-cuda1");
});

test("elsewhere host, device and a random part name the worker, in printable ASCII", () => {
  const first = defaultWorkerId({ CUDA_VISIBLE_DEVICES: "0 ü" });

  assert.equal(first.replace(/[0-9a-f]{8}$/, ""), `${hostname()}-cuda0__-`);
  assert.notEqual(first, defaultWorkerId({ CUDA_VISIBLE_DEVICES: "0 ü" }));
});

test("two loops of one process do not share a name", async () => {
  assert.deepEqual(await Promise.all([claim("pod-a"), claim("pod-a")]), ["pod-a", "pod-a-2"]);
  unclaim("pod-a");
  assert.equal(await claim("pod-a"), "pod-a");
});

/** Another process that claims a name, prints what it got, and lives until it is killed. */
async function claimElsewhere(name: string) {
  const source = `import { claim } from ${JSON.stringify(new URL("../src/identity.js", import.meta.url).href)};
    console.log(await claim(${JSON.stringify(name)})); setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source]);
  child.stdout.setEncoding("utf8");
  const [line] = (await once(child.stdout, "data")) as [string];
  return { claimed: line.trim(), child };
}

test("two processes do not share a name, and a restarted one gets its own again", async () => {
  const name = `pod-${process.pid}`;
  const { claimed, child } = await claimElsewhere(name);

  const here = await claim(name);
  child.kill("SIGKILL");
  await once(child, "exit");
  const restarted = await claimElsewhere(name);
  restarted.child.kill("SIGKILL");
  await once(restarted.child, "exit");

  assert.deepEqual([claimed, here, restarted.claimed], [name, `${name}-2`, name]);
});
