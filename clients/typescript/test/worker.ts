/** A worker that trains until it is told to leave off; leases.test.ts ends it by a signal. */
import { setInterval } from "node:timers/promises";

import { connect, shutdownSignal } from "asha-client";

await using client = connect(process.argv[2]);
for await (const trial of client.experiment("e").trials({ signal: shutdownSignal() })) {
  for await (const _ of setInterval(10)) {
    console.log("training");
    if (!trial.isHeld) break;
  }
}
