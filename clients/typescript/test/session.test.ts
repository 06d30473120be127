/** The session: calls over one stream, decisions that nobody asked for, and what is done where there are no streams. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { Client, Trial } from "asha-client";
import { DecisionReason, ExperimentService, SuggestionService, Verdict } from "asha-client/pb";
import { AshaServer } from "./asha-server.js";
import { assigned, decided, Refusal, ScriptedServer, SILENCE } from "./scripted-server.js";

const { heartbeat, releaseTrial } = SuggestionService.method;

async function firstTrial(client: Client, experimentId = "e"): Promise<Trial> {
  const { value } = await client.experiment(experimentId).trials({ workerId: "w" }).next();
  assert(value);
  return value;
}

async function over(trial: Trial): Promise<void> {
  if (!trial.signal.aborted) await once(trial.signal, "abort", { signal: AbortSignal.timeout(10_000) });
}

/** Waits for what another process brings about. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await holds())) {
    assert(performance.now() < deadline, "it did not come to hold");
    await sleep(10);
  }
}

/** The streams that the calls came over, in order. */
const streams = (server: ScriptedServer) => server.received.map(({ stream }) => stream);

// Against the real server.

test("a stop by a person reaches a trial without a call", async () => {
  await using server = await AshaServer.start();
  await server.create("e", 1n, 1_000n);
  const trial = await firstTrial(server.connect());
  await trial.report(1, { loss: 1 });

  await server.connect().call(ExperimentService.method.cancelTrial, { experimentId: "e", trialNumber: 0n });
  await over(trial); // within 10 s, and no heartbeat is due for 20

  assert.equal(trial.decision?.verdict, "STOP");
  assert.equal(trial.decision.reason, "CANCELLED");
  assert.deepEqual([...trial.steps()], []);
});

test("a server that is killed and started again loses and repeats nothing", async () => {
  await using server = await AshaServer.start();
  const [workers, steps] = [4, 60n];
  await server.create("e", BigInt(workers), steps);
  const client = server.connect();
  let reports = 0;

  const training = Array.from({ length: workers }, (_, index) =>
    client.experiment("e").run(
      async (trial) => {
        for (const step of trial.steps()) {
          await trial.report(step, { loss: 1 / Number(step) });
          reports += 1;
        }
      },
      { workerId: `w${index}` },
    ),
  );
  for (const count of [40, 120]) {
    await until(() => reports >= count);
    await server.restart(); // while all of them report
  }
  await Promise.all(training);

  const { listTrials, listObservations } = ExperimentService.method;
  const { trials } = await client.call(listTrials, { experimentId: "e" });
  const { observations } = await client.call(listObservations, { experimentId: "e", pageSize: 1000 });
  assert.deepEqual(
    trials.map(({ attempt }) => attempt),
    Array(workers).fill(1n),
  );
  for (const { trialNumber } of trials) {
    const reported = observations.filter((each) => each.trialNumber === trialNumber).map(({ step }) => step);
    assert.deepEqual(
      reported,
      Array.from({ length: Number(steps) }, (_, index) => BigInt(index + 1)),
    );
  }
});

test("the trials of a client share one stream, which ends with the client", async () => {
  await using server = await AshaServer.start();
  await server.create("e", 16n, 3n);
  const client = server.connect();
  let most = 0n;

  const training = Array.from({ length: 8 }, (_, index) =>
    client.experiment("e").run(
      async (trial) => {
        for (const step of trial.steps()) await trial.report(step, { loss: 1 });
        const open = await server.sessions();
        if (open > most) most = open;
      },
      { workerId: `w${index}` },
    ),
  );
  await Promise.all(training);
  assert.equal(most, 1n);
  await client.close();

  await until(async () => (await server.sessions()) === 0n);
});

// Against a scripted one.

test("a worker's calls go over one stream, numbered from 1", async () => {
  await using server = await ScriptedServer.start();

  await server
    .connect()
    .experiment("e")
    .run(async (trial) => {
      for (const step of trial.steps()) await trial.report(step, { loss: 1 });
    });

  assert.deepEqual(server.calls, ["GetSuggestion", "ReportMetric", "ReportMetric", "ReportMetric", "GetSuggestion"]);
  assert.deepEqual(streams(server), [0, 0, 0, 0, 0]);
  assert.deepEqual(server.streams[0]?.numbers, [1n, 2n, 3n, 4n, 5n]);
});

test("sessions can be switched off", async () => {
  await using server = await ScriptedServer.start();

  const trial = await firstTrial(server.connect({ sessions: false }));
  await trial.report(1, { loss: 1 });

  assert.deepEqual(streams(server), [undefined, undefined]);
  assert.equal(server.streams.length, 0);
});

test("a pushed decision is for its attempt alone", async () => {
  await using server = await ScriptedServer.start();
  const trial = await firstTrial(server.connect());
  const decision = decided(Verdict.STOP, DecisionReason.EXPERIMENT_STOPPED);

  server.streams[0]?.push({ experimentId: "e", trialNumber: 0n, attempt: 2n, decision });
  await trial.report(1, { loss: 1 }); // is answered after that
  assert(trial.isHeld);
  server.streams[0]?.push({ experimentId: "e", trialNumber: 0n, attempt: 1n, decision });
  await over(trial);

  assert.equal(trial.decision?.reason, "EXPERIMENT_STOPPED");
});

test("what was not answered when the stream broke is sent again on the next one", async () => {
  await using server = await ScriptedServer.start();
  const trial = await firstTrial(server.connect());
  server.script("ReportMetric", SILENCE);

  const reporting = trial.report(1, { loss: 1 });
  await server.arrival("ReportMetric");
  server.streams[0]?.break(new Refusal("INTERNAL"));

  assert.equal((await reporting).verdict, "CONTINUE");
  assert.deepEqual(server.calls, ["GetSuggestion", "ReportMetric", "ReportMetric"]);
  assert.deepEqual(streams(server), [0, 0, 1]);
});

test("where streams are refused the calls are unary, and no further stream is tried", async () => {
  await using server = await ScriptedServer.start();
  server.onStream = () => new Refusal("UNIMPLEMENTED");

  const trial = await firstTrial(server.connect());
  await trial.report(1, { loss: 1 });

  assert.deepEqual(streams(server), [undefined, undefined]);
  assert.equal(server.streams.length, 1);
});

test("where nothing ever comes over the stream the calls are unary", async () => {
  await using server = await ScriptedServer.start();
  server.onStream = (stream) => void (stream.isMute = true);
  const client = server.connect({ deadlineMs: 1_500 });

  for (let call = 0; call < 2; call += 1) await client.call(heartbeat, { experimentId: "e" });

  assert.deepEqual(streams(server), [undefined, undefined]);
  assert.deepEqual(server.streams[0]?.numbers, [1n]);
});

test("after three streams that broke before any answer one call is unary", async () => {
  await using server = await ScriptedServer.start();
  server.onStream = () => new Refusal("UNAVAILABLE");
  const client = server.connect();

  for (let call = 0; call < 2; call += 1) await client.call(heartbeat, { experimentId: "e" });

  assert.deepEqual(streams(server), [undefined, undefined]);
  assert.equal(server.streams.length, 6);
});

test("an answer that is late on a stream that has answered is asked for again", async () => {
  await using server = await ScriptedServer.start();
  const client = server.connect({ deadlineMs: 1_500 });
  await client.call(heartbeat, { experimentId: "e" });
  server.script("Heartbeat", SILENCE);

  await client.call(heartbeat, { experimentId: "e" });

  assert.deepEqual(streams(server), [0, 0, 0]);
});

test("a trial that is handed out to a loop that no longer waits is given back", async () => {
  await using server = await ScriptedServer.start();
  const [client, controller] = [server.connect(), new AbortController()];
  await firstTrial(client); // keeps the stream
  server.script("GetSuggestion", SILENCE);

  const waiting = client.experiment("e").trials({ workerId: "late", signal: controller.signal }).next();
  await server.arrival("GetSuggestion", 2);
  controller.abort();
  assert.equal((await waiting).done, true);
  server.streams[0]?.answer(2n, { case: "getSuggestion", value: assigned({ trialNumber: 7n }) });
  await server.arrival("ReleaseTrial");

  assert.equal(server.requests(releaseTrial)[0]?.trialNumber, 7n);
});

test("closing the client releases the trial, then ends the stream politely", async () => {
  await using server = await ScriptedServer.start();
  const client = server.connect();
  await firstTrial(client);

  await client.close();
  await until(() => server.streams[0]?.ending !== undefined);

  assert.deepEqual(server.calls, ["GetSuggestion", "ReleaseTrial"]);
  assert.deepEqual(streams(server), [0, 0]);
  assert.equal(server.streams[0]?.ending, "end");
});

test("a session that nobody uses is ended, so that a client that is not closed lets the process end", async () => {
  await using server = await ScriptedServer.start();
  const source = `import { connect } from "asha-client";
    await connect(process.argv[1]).experiment("e").run((trial) => trial.report(1, { loss: 1 }));`;
  const worker = spawn(process.execPath, ["--input-type=module", "--eval", source, server.address], {
    stdio: ["ignore", "inherit", "inherit"],
  });

  const [status] = (await once(worker, "exit", { signal: AbortSignal.timeout(15_000) })) as [number | null];

  assert.equal(status, 0);
  assert.equal(server.streams[0]?.ending, "end");
});

test("while a trial is in hand its stream is kept", async () => {
  await using server = await ScriptedServer.start();
  const trial = await firstTrial(server.connect());

  await sleep(1_500); // longer than a session is kept that nobody uses
  await trial.report(1, { loss: 1 });

  assert.deepEqual(streams(server), [0, 0]);
});
