/** Leases: kept alive, lost, given back. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { durationFromMs } from "@bufbuild/protobuf/wkt";

import type { Trial } from "asha-client";
import { DecisionReason, SuggestionService, Verdict } from "asha-client/pb";
import { assigned, decided, GOES_ON, Refusal, ScriptedServer, SILENCE } from "./scripted-server.js";

const TTL_MS = 150;
const { method } = SuggestionService;

/** The trial of a server with short leases, and the loop that it belongs to. */
async function shortLease(server: ScriptedServer, signal?: AbortSignal, ttlMs = TTL_MS) {
  server.script("GetSuggestion", assigned({}, ttlMs));
  server.standing.set("Heartbeat", () => ({ decision: GOES_ON, lease: { ttl: durationFromMs(ttlMs) } }));
  const client = server.connect();
  const trials = client.experiment("e").trials({ workerId: "w", ...(signal && { signal }) });
  const trial = (await trials.next()).value as Trial;
  return { client, trials, trial };
}

/** Resolves when the trial is over for its worker. */
async function over(trial: Trial): Promise<void> {
  if (!trial.signal.aborted) await once(trial.signal, "abort", { signal: AbortSignal.timeout(10_000) });
}

test("a lease is renewed a third of its ttl after the last renewal", async () => {
  await using server = await ScriptedServer.start();
  await shortLease(server, undefined, 1_500);

  await server.arrival("Heartbeat", 2);

  const times = server.received.map(({ at }) => at);
  for (let index = 1; index < times.length; index += 1) {
    const pauseMs = times[index]! - times[index - 1]!;
    assert(pauseMs >= 450 && pauseMs < 1_400, `${pauseMs} ms`); // 500, and what a loaded machine adds
  }
  assert.equal(server.requests(method.heartbeat)[0]?.leaseToken, "lease");
});

test("no heartbeat is sent after the trial's end", async () => {
  await using server = await ScriptedServer.start();
  const { trial } = await shortLease(server);
  await server.arrival("Heartbeat");

  await trial.complete();
  const count = server.calls.length;
  await sleep(2 * TTL_MS);

  assert.equal(server.calls.length, count);
});

test("a verdict that a heartbeat brings ends the steps", async () => {
  await using server = await ScriptedServer.start();
  const { trial } = await shortLease(server);
  server.script("Heartbeat", { decision: decided(Verdict.STOP, DecisionReason.CANCELLED) });

  await over(trial);

  assert.equal(trial.decision?.reason, "CANCELLED");
  assert.deepEqual([...trial.steps()], []);
});

for (const refusal of [
  new Refusal("ABORTED", "LEASE_LOST"),
  new Refusal("FAILED_PRECONDITION", "TRIAL_ENDED"),
  new Refusal("NOT_FOUND", "EXPERIMENT_NOT_FOUND"),
]) {
  test(`${refusal.reason} of a heartbeat is a STOP`, async () => {
    await using server = await ScriptedServer.start();
    const { trial } = await shortLease(server);
    server.standing.set("Heartbeat", () => refusal);

    await over(trial);

    assert.equal(trial.decision?.verdict, "STOP");
    assert.equal(trial.decision.reason, refusal.reason);
  });
}

test("heartbeats go on through failures of network and server", async () => {
  await using server = await ScriptedServer.start();
  const { trial } = await shortLease(server);
  server.script("Heartbeat", new Refusal("UNAVAILABLE"), SILENCE, new Refusal("INTERNAL", "INTERNAL"));

  await server.arrival("Heartbeat", 5);

  assert(trial.isHeld);
});

test("an abort releases the trial at once, and the loop ends", async () => {
  await using server = await ScriptedServer.start();
  const controller = new AbortController();
  const { trials, trial } = await shortLease(server, controller.signal);
  server.script("ReportMetric", SILENCE);

  const reporting = trial.report(1, { loss: 1 });
  await server.arrival("ReportMetric");
  controller.abort();

  assert.equal((await reporting).reason, "LEASE_LOST");
  assert.equal((await trials.next()).done, true);
  assert.deepEqual(server.calls, ["GetSuggestion", "ReportMetric", "ReleaseTrial"]);
});

test("an abort ends the wait for work", async () => {
  await using server = await ScriptedServer.start();
  server.script("GetSuggestion", SILENCE);
  const controller = new AbortController();

  const next = server.connect().experiment("e").trials({ signal: controller.signal }).next();
  await server.arrival("GetSuggestion");
  controller.abort();

  assert.equal((await next).done, true);
});

test("closing the client releases the trial in hand, in two seconds even if nobody answers", async () => {
  await using server = await ScriptedServer.start();
  const { client } = await shortLease(server);
  server.script("ReleaseTrial", SILENCE);
  const began = performance.now();

  await client.close();

  const elapsedMs = performance.now() - began;
  assert(elapsedMs >= 1_900 && elapsedMs < 3_000, `${elapsedMs} ms`);
  assert.equal(server.requests(method.releaseTrial)[0]?.leaseToken, "lease");
});

test("SIGTERM releases the trial, and the process ends", async () => {
  await using server = await ScriptedServer.start();
  const worker = spawn(process.execPath, [new URL("./worker.js", import.meta.url).pathname, server.address]);
  worker.stdout.setEncoding("utf8");
  await once(worker.stdout, "data"); // it trains
  const began = performance.now();

  worker.kill("SIGTERM");
  const [status] = (await once(worker, "exit")) as [number | null];

  assert.equal(status, 0);
  assert(performance.now() - began < 2_000);
  assert.deepEqual(server.calls, ["GetSuggestion", "ReleaseTrial"]);
});
