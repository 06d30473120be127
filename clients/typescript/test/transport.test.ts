/** How a server is reached: TLS, mutual TLS, token, Unix socket. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { ServerCredentials } from "@grpc/grpc-js";

import { SuggestionService } from "asha-client/pb";
import { ScriptedServer } from "./scripted-server.js";

const { shouldStop } = SuggestionService.method;
const REQUEST = { experimentId: "e" };

const folder = mkdtempSync(join(tmpdir(), "asha-"));
after(() => rmSync(folder, { recursive: true }));

/** Paths of a fresh self-signed certificate and its key. */
function selfSigned(name: string) {
  const [certificate, key] = [join(folder, `${name}.pem`), join(folder, `${name}.key`)];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"];
  execFileSync("openssl", ["req", ...kind, ...names, "-keyout", key, "-out", certificate], { stdio: "pipe" });
  return { certificate, key };
}

const ofServer = selfSigned("server");
const ofClient = selfSigned("client");

function serverCredentials(clientRoots: string | null): ServerCredentials {
  const pair = { cert_chain: readFileSync(ofServer.certificate), private_key: readFileSync(ofServer.key) };
  return ServerCredentials.createSsl(clientRoots ? readFileSync(clientRoots) : null, [pair], clientRoots !== null);
}

test("TLS, with the roots of a file", async () => {
  await using server = await ScriptedServer.start("localhost:0", serverCredentials(null));

  await server.connect({ tls: { rootCertificates: ofServer.certificate } }).call(shouldStop, REQUEST);

  assert.deepEqual(server.calls, ["ShouldStop"]);
});

test("a server whose certificate is not trusted is not spoken to", async () => {
  await using server = await ScriptedServer.start("localhost:0", serverCredentials(null));
  const client = server.connect({ tls: { rootCertificates: ofClient.certificate }, giveUpAfterMs: 50 });

  await assert.rejects(client.call(shouldStop, REQUEST), { code: "UNAVAILABLE" });

  assert.deepEqual(server.calls, []);
});

test("mutual TLS", async () => {
  await using server = await ScriptedServer.start("localhost:0", serverCredentials(ofClient.certificate));
  const rootCertificates = ofServer.certificate;

  await server
    .connect({ tls: { rootCertificates, clientCertificate: ofClient.certificate, clientKey: ofClient.key } })
    .call(shouldStop, REQUEST);
  const stranger = server.connect({ tls: { rootCertificates }, giveUpAfterMs: 50 });

  await assert.rejects(stranger.call(shouldStop, REQUEST), { code: "UNAVAILABLE" });
  assert.equal(server.calls.length, 1);
});

test("the token goes with every call", async () => {
  await using server = await ScriptedServer.start();

  await server.connect({ token: "secret" }).call(shouldStop, REQUEST);

  assert.deepEqual(server.received[0]?.metadata.get("authorization"), ["Bearer secret"]);
});

test("certificates and token may come from the environment", async () => {
  await using server = await ScriptedServer.start("localhost:0", serverCredentials(ofClient.certificate));
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "secret\n");
  const names = {
    ASHA_ROOT_CERTIFICATES: ofServer.certificate,
    ASHA_CLIENT_CERTIFICATE: ofClient.certificate,
    ASHA_CLIENT_KEY: ofClient.key,
    ASHA_TOKEN_FILE: tokenFile,
  };
  Object.assign(process.env, names);

  try {
    await server.connect().call(shouldStop, REQUEST);
  } finally {
    for (const name of Object.keys(names)) delete process.env[name];
  }

  assert.deepEqual(server.received[0]?.metadata.get("authorization"), ["Bearer secret"]);
});

test("a Unix socket", async () => {
  await using server = await ScriptedServer.start(`unix:${join(folder, "socket")}`);

  await server.connect().call(shouldStop, REQUEST);

  assert.deepEqual(server.calls, ["ShouldStop"]);
});
