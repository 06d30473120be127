/** The loop over trials: what is handed out, how a trial ends, how the loop ends. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { durationFromMs } from "@bufbuild/protobuf/wkt";

import type { Trial } from "asha-client";
import { AshaError, Infeasible, WorkerFailing } from "asha-client";
import type { DecisionReason } from "asha-client/pb";
import { AssignmentKind, FailureKind, SuggestionService, Verdict, WaitReason } from "asha-client/pb";
import { assigned, decided, FINISHED, GOES_ON, PAUSES, Refusal, ScriptedServer, STOPS } from "./scripted-server.js";

const { method } = SuggestionService;

async function firstTrial(server: ScriptedServer): Promise<Trial> {
  const { value } = await server.connect().experiment("e").trials({ workerId: "w" }).next();
  assert(value);
  return value;
}

test("the loop trains until the search is finished", async () => {
  await using server = await ScriptedServer.start();
  const steps: bigint[] = [];

  for await (const trial of server.connect().experiment("e").trials({ workerId: "w" })) {
    for (const step of trial.steps()) {
      steps.push(step);
      await trial.report(step, { loss: 1 / Number(step) });
    }
  }

  assert.deepEqual(steps, [1n, 2n, 3n]);
  assert.deepEqual(server.calls, ["GetSuggestion", "ReportMetric", "ReportMetric", "ReportMetric", "GetSuggestion"]);
  const [first, second] = server.requests(method.getSuggestion);
  assert.equal(first?.workerId, "w");
  assert.notEqual(first?.requestId, second?.requestId);
  assert.equal(first?.incarnationId, second?.incarnationId);
});

test("a trial carries its typed configuration in declared order, int64 exactly", async () => {
  await using server = await ScriptedServer.start();
  const parameters = [
    { name: "n", value: { kind: { case: "intValue" as const, value: 9007199254740993n } } },
    { name: "lr", value: { kind: { case: "doubleValue" as const, value: 1 } } },
    { name: "act", value: { kind: { case: "stringValue" as const, value: "relu" } } },
    { name: "flag", value: { kind: { case: "boolValue" as const, value: false } } },
    { name: "deep", value: { kind: { case: "jsonValue" as const, value: '{"a":[1,null]}' } } },
    { name: "newer", value: {} },
  ];
  const place = { trialNumber: 9007199254740995n, startStep: 7n, checkpointUri: "/c", nextDecisionStep: 9n };
  server.script("GetSuggestion", assigned({ ...place, parameters, kind: AssignmentKind.PROMOTED, maxLength: 27n }));

  const trial = await firstTrial(server);

  assert.deepEqual(trial.configuration, [
    { name: "n", kind: "int", value: 9007199254740993n },
    { name: "lr", kind: "double", value: 1 },
    { name: "act", kind: "string", value: "relu" },
    { name: "flag", kind: "bool", value: false },
    { name: "deep", kind: "json", value: '{"a":[1,null]}' },
    { name: "newer", kind: "unknown", value: null },
  ]);
  const values = { n: 9007199254740993n, lr: 1, act: "relu", flag: false, deep: { a: [1, null] }, newer: null };
  assert.deepEqual(trial.parameters, values);
  assert.equal(trial.number, 9007199254740995n);
  assert.equal(trial.kind, "PROMOTED");
  assert.equal(trial.checkpoint, "/c");
  assert.equal(trial.nextDecisionStep, 9n);
  assert.equal([...trial.steps()][0], 8n);
});

test("a turn that ends without a verdict completes its trial", async () => {
  await using server = await ScriptedServer.start();

  for await (const trial of server.connect().experiment("e").trials()) await trial.report(1, { loss: 1 });

  assert.deepEqual(server.calls, ["GetSuggestion", "ReportMetric", "CompleteTrial", "GetSuggestion"]);
});

test("leaving the loop releases the trial", async () => {
  await using server = await ScriptedServer.start();

  for await (const _ of server.connect().experiment("e").trials()) break;

  assert.deepEqual(server.calls, ["GetSuggestion", "ReleaseTrial"]);
});

test("an error of the body fails the trial, and the loop goes on", async () => {
  await using server = await ScriptedServer.start();

  await server
    .connect()
    .experiment("e")
    .run(() => {
      throw new RangeError("out of epochs");
    });

  const [failed] = server.requests(method.failTrial);
  assert.equal(failed?.kind, FailureKind.RETRYABLE);
  assert.match(failed.message, /RangeError: out of epochs/);
  assert.equal(failed.leaseToken, "lease");
  assert.deepEqual(server.calls, ["GetSuggestion", "FailTrial", "GetSuggestion"]);
});

test("an infeasible configuration says so, as often as it may be", async () => {
  await using server = await ScriptedServer.start();
  server.script("GetSuggestion", assigned(), assigned(), assigned(), assigned(), FINISHED);

  await server
    .connect()
    .experiment("e")
    .run(() => Promise.reject(new Infeasible("too wide")));

  const kinds = server.requests(method.failTrial).map(({ kind }) => kind);
  assert.deepEqual(kinds, Array(4).fill(FailureKind.INFEASIBLE));
});

test("three assignments in a row that failed without a report end the loop", async () => {
  await using server = await ScriptedServer.start();
  server.standing.set("GetSuggestion", () => assigned());
  let turns = 0;
  const train = async (trial: Trial) => {
    turns += 1;
    if (turns === 2) await trial.report(1, { loss: 1 });
    throw new Error("no GPU");
  };

  await assert.rejects(server.connect().experiment("e").run(train, { workerId: "w" }), (error) => {
    assert(error instanceof WorkerFailing);
    assert.equal(error.reason, "WORKER_FAILING");
    assert.equal(error.code, "");
    return true;
  });
  assert.equal(turns, 5); // the report of the second begins the count anew
});

test("a failing network or server never fails a trial", async () => {
  await using server = await ScriptedServer.start();
  server.standing.set("ReportMetric", () => new Refusal("UNAVAILABLE"));

  const running = server
    .connect({ giveUpAfterMs: 20 })
    .experiment("e")
    .run((trial) => trial.report(1, { loss: 1 }));

  await assert.rejects(running, { code: "UNAVAILABLE" });
  assert.deepEqual(server.calls.slice(-1), ["ReleaseTrial"]);
  assert.deepEqual(server.requests(method.failTrial), []);
});

test("an unknown verdict reads STOP, an unknown reason its number", async () => {
  await using server = await ScriptedServer.start();
  server.script("ReportMetric", { decision: decided(9 as Verdict, 77 as DecisionReason) });

  const trial = await firstTrial(server);
  const { verdict, reason } = await trial.report(1, { loss: 1 });

  assert.deepEqual({ verdict, reason }, { verdict: "STOP", reason: "77" });
  assert.equal(trial.nextDecisionStep, 0n);
  assert(trial.signal.aborted);
});

test("wait, and a result that is not known, ask again after a pause", async () => {
  await using server = await ScriptedServer.start();
  const wait = { retryAfter: durationFromMs(5), reason: WaitReason.BARRIER };
  server.script("GetSuggestion", { result: { case: "wait", value: wait } }, {}, assigned());
  const began = performance.now();

  const trial = await firstTrial(server);

  assert.equal(trial.number, 0n);
  assert.equal(server.calls.length, 3);
  assert(performance.now() - began >= 1_000); // without retry_after: one second
});

test("a lease lost to a late retry of GetSuggestion asks anew", async () => {
  await using server = await ScriptedServer.start();
  server.script("GetSuggestion", new Refusal("ABORTED", "LEASE_LOST"));

  await firstTrial(server);

  const [first, second] = server.requests(method.getSuggestion);
  assert.notEqual(first?.requestId, second?.requestId);
});

test("without room for waiting calls the loop polls", async () => {
  await using server = await ScriptedServer.start();
  server.script("GetSuggestion", new Refusal("RESOURCE_EXHAUSTED", "LIMIT_EXCEEDED"));

  await firstTrial(server);

  const waits = server.requests(method.getSuggestion).map(({ maxWait }) => maxWait?.seconds);
  assert.deepEqual(waits, [20n, 0n]);
});

test("a metric conflict warns and answers what was decided, its checkpoint stored", async () => {
  await using server = await ScriptedServer.start();
  server.script("ReportMetric", new Refusal("ALREADY_EXISTS", "METRIC_CONFLICT"));
  server.script("Heartbeat", { decision: PAUSES });
  const trial = await firstTrial(server);

  const decision = await trial.report(3, { loss: 1 }, "/c");

  assert.equal(decision.verdict, "PAUSE");
  assert.deepEqual(server.calls.slice(1), ["ReportMetric", "ReportCheckpoint", "Heartbeat"]);
});

test("a lost lease ends the trial, and the loop goes on", async () => {
  await using server = await ScriptedServer.start();
  server.standing.set("ReportMetric", () => new Refusal("ABORTED", "LEASE_LOST"));
  const decisions: string[] = [];

  await server
    .connect()
    .experiment("e")
    .run(async (trial) => {
      for (const step of trial.steps()) decisions.push((await trial.report(step, { loss: 1 })).reason);
    });

  assert.deepEqual(decisions, ["LEASE_LOST"]);
  assert.deepEqual(server.calls, ["GetSuggestion", "ReportMetric", "GetSuggestion"]);
});

test("after STOP nothing is sent about the end", async () => {
  await using server = await ScriptedServer.start();
  server.script("ReportMetric", { decision: STOPS });

  const trial = await firstTrial(server);
  await trial.report(1, { loss: 1 });
  await trial.complete();
  await trial.fail("too late");
  await trial.release();

  assert.deepEqual(server.calls, ["GetSuggestion", "ReportMetric"]);
});

test("a checkpoint function runs only where a checkpoint is needed", async () => {
  await using server = await ScriptedServer.start();
  server.script("ReportMetric", { decision: GOES_ON }, { decision: PAUSES });
  const saved: number[] = [];
  const trial = await firstTrial(server);

  for (const step of [1, 2]) {
    await trial.report(step, { loss: 1 }, () => {
      saved.push(step);
      return `/c${step}`;
    });
  }

  assert.deepEqual(saved, [2]); // nobody could foresee that pause: it is told afterwards
  assert.deepEqual(server.calls.slice(1), ["ReportMetric", "ReportMetric", "ReportCheckpoint"]);
});

test("a checkpoint goes with the report that can be decided", async () => {
  await using server = await ScriptedServer.start();
  const trial = await firstTrial(server);

  await trial.report(3, { other: 1 }, () => assert.fail("nothing is decided without the search metric"));
  await trial.report(3, { loss: NaN }, () => "/c");

  const uris = server.requests(method.reportMetric).map(({ checkpointUri }) => checkpointUri);
  assert.deepEqual(uris, ["", "/c"]);
  assert.deepEqual(
    server.requests(method.reportMetric)[1]?.metrics.map(({ value }) => value),
    [NaN],
  );
});

test("a refusal ends the loop with its error", async () => {
  await using server = await ScriptedServer.start();
  server.script(
    "GetSuggestion",
    new Refusal("NOT_FOUND", "EXPERIMENT_NOT_FOUND", { metadata: { experiment_id: "e" } }),
  );

  await assert.rejects(firstTrial(server), (error) => {
    assert(error instanceof AshaError);
    assert.equal(error.reason, "EXPERIMENT_NOT_FOUND");
    assert.deepEqual(error.metadata, { experiment_id: "e" });
    return true;
  });
});
