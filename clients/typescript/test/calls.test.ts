/** Calls: deadlines, what is sent again and what is not, errors. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { AshaError, connect } from "asha-client";
import { ExperimentService, SuggestionService } from "asha-client/pb";
import { Refusal, ScriptedServer, SILENCE } from "./scripted-server.js";

const { getTrial, createExperiment } = ExperimentService.method;
const REQUEST = { experimentId: "e", trialNumber: 7n };

test("what may be sent again is sent again, with the same request_id", async () => {
  await using server = await ScriptedServer.start();
  const overloaded = new Refusal("RESOURCE_EXHAUSTED", "OVERLOADED", { retryDelayMs: 1 });
  const late = new Refusal("DEADLINE_EXCEEDED");
  server.script("GetSuggestion", new Refusal("UNAVAILABLE", "SHUTTING_DOWN"), late, overloaded);

  await server.connect().experiment("e").trials({ workerId: "w" }).next();

  const ids = server.requests(SuggestionService.method.getSuggestion).map(({ requestId }) => requestId);
  assert.equal(ids.length, 4);
  assert.equal(new Set(ids).size, 1);
});

for (const refusal of [
  new Refusal("INVALID_ARGUMENT", "INVALID_REQUEST"),
  new Refusal("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED"),
  new Refusal("INTERNAL"),
  new Refusal("CANCELLED"),
  new Refusal("ABORTED", "ETAG_MISMATCH", { retryDelayMs: 1 }),
]) {
  test(`${refusal.code} ${refusal.reason} is not sent again`, async () => {
    await using server = await ScriptedServer.start();
    server.script("GetTrial", refusal);

    await assert.rejects(server.connect().call(getTrial, REQUEST), { code: refusal.code, reason: refusal.reason });

    assert.equal(server.calls.length, 1);
  });
}

test("an error has code, reason, metadata and every violation", async () => {
  await using server = await ScriptedServer.start();
  const violations = [
    { field: "spec.max_trials", description: "must be 1 or more" },
    { field: "spec.metric.name", description: "is required" },
  ];
  const facts = { metadata: { key: "value" }, violations, retryDelayMs: 250 };
  server.script("CreateExperiment", new Refusal("INVALID_ARGUMENT", "INVALID_REQUEST", facts));

  await assert.rejects(server.connect().call(createExperiment, {}), (error) => {
    assert(error instanceof AshaError);
    const { message, code, reason, metadata, retryDelayMs } = error;
    assert.deepEqual(
      { message, code, reason, metadata, violations: error.violations, retryDelayMs },
      {
        message: "refused",
        code: "INVALID_ARGUMENT",
        reason: "INVALID_REQUEST",
        ...facts,
      },
    );
    return true;
  });
});

test("RetryInfo's delay is a floor", async () => {
  await using server = await ScriptedServer.start();
  server.script("GetTrial", new Refusal("UNAVAILABLE", "SHUTTING_DOWN", { retryDelayMs: 300 }));

  await server.connect().call(getTrial, REQUEST);

  const [first, second] = server.received;
  assert(second!.at - first!.at >= 290); // timers may fire a little early
});

test("a call that is not answered is sent again after its deadline, until it is given up", async () => {
  await using server = await ScriptedServer.start();
  const client = server.connect({ deadlineMs: 300, giveUpAfterMs: 1_000 });
  await client.call(getTrial, REQUEST); // connects
  server.standing.set("GetTrial", () => SILENCE);
  const began = performance.now();

  await assert.rejects(client.call(getTrial, REQUEST), { code: "DEADLINE_EXCEEDED" });

  assert(server.calls.length >= 3);
  assert(performance.now() - began < 5_000);
});

test("a call's own options win", async () => {
  await using server = await ScriptedServer.start();
  const client = server.connect();
  await client.call(getTrial, REQUEST); // connects
  server.standing.set("GetTrial", () => SILENCE);

  await assert.rejects(client.call(getTrial, REQUEST, { deadlineMs: 300, giveUpAfterMs: 0 }), {
    code: "DEADLINE_EXCEEDED",
  });

  assert.equal(server.calls.length, 2);
});

test("an aborted call is cancelled, in flight as in a pause, and not sent again", async () => {
  await using server = await ScriptedServer.start();
  server.script("GetTrial", SILENCE, new Refusal("UNAVAILABLE", "", {}));
  const client = server.connect({ backoffInitialMs: 60_000, backoffMaxMs: 60_000 });

  for (const count of [1, 2]) {
    const controller = new AbortController();
    const calling = client.call(getTrial, REQUEST, { signal: controller.signal });
    await server.arrival("GetTrial", count);
    setTimeout(() => controller.abort("enough"), 20);
    await assert.rejects(calling, { code: "CANCELLED", cause: "enough" });
  }

  assert.equal(server.calls.length, 2);
});

test("a server that cannot be reached is tried again, with a warning", async () => {
  const warnings: string[] = [];
  const logger = { warn: (message: string) => void warnings.push(message) };
  await using client = connect("127.0.0.1:1", { backoffInitialMs: 1, backoffMaxMs: 20, giveUpAfterMs: 1_300, logger });

  await assert.rejects(client.call(getTrial, REQUEST), { code: "UNAVAILABLE" });

  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /GetTrial has failed for 1 s .* 127\.0\.0\.1:1/);
});

test("closing the client ends its calls", async () => {
  await using server = await ScriptedServer.start();
  server.script("GetTrial", SILENCE);
  const client = server.connect();

  const calling = client.call(getTrial, REQUEST);
  await server.arrival("GetTrial");
  const closed = client.close();

  await assert.rejects(calling, { code: "CANCELLED" });
  await closed;
});
