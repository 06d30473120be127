/** What lets a client in: an access token and certificates, given or from the environment. */
import { readFileSync } from "node:fs";

import * as grpc from "@grpc/grpc-js";

/** Paths of PEM files. */
export interface TlsFiles {
  /** Who signs the server's certificate. Default: ASHA_ROOT_CERTIFICATES, then the well-known authorities. */
  readonly rootCertificates?: string;
  /** The client's own certificate, for mutual TLS. Default: ASHA_CLIENT_CERTIFICATE. */
  readonly clientCertificate?: string;
  /** The key of `clientCertificate`. Default: ASHA_CLIENT_KEY. */
  readonly clientKey?: string;
}

/**
 * TLS by the files, or by those of the environment; plaintext where neither is there.
 *
 * @throws Error a file cannot be read, or one of certificate and key is missing.
 */
export function findCredentials(tls: TlsFiles | undefined): grpc.ChannelCredentials {
  const roots = tls?.rootCertificates || process.env["ASHA_ROOT_CERTIFICATES"];
  const certificate = tls?.clientCertificate || process.env["ASHA_CLIENT_CERTIFICATE"];
  const key = tls?.clientKey || process.env["ASHA_CLIENT_KEY"];
  if (!tls && !roots && !certificate) return grpc.credentials.createInsecure();
  const read = (path: string | undefined) => (path ? readFileSync(path) : null);
  return grpc.credentials.createSsl(read(roots), read(key), read(certificate));
}

/** The token: as given, else ASHA_TOKEN, else what the file ASHA_TOKEN_FILE holds, else none. */
export function findToken(token: string | undefined): string | undefined {
  const path = process.env["ASHA_TOKEN_FILE"];
  return token || process.env["ASHA_TOKEN"] || (path ? readFileSync(path, "utf8").trim() : undefined);
}
