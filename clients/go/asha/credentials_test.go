package asha_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"asha/clients/go/asha"
	ashav1 "asha/clients/go/asha/v1"
)

// selfSigned writes a certificate for 127.0.0.1, good for servers and clients, and its key.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "asha test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IsCA:         true, BasicConstraintsValid: true,
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, content []byte) string {
		file := filepath.Join(t.TempDir(), name)
		block := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
		if err := os.WriteFile(file, block, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return write("certificate.pem", "CERTIFICATE", signed), write("key.pem", "PRIVATE KEY", secret)
}

func loadTLS(t *testing.T, roots, certificate, key string) *tls.Config {
	t.Helper()
	config, err := asha.LoadTLS(roots, certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// greet makes one call, without retries, and gives the code of its error; OK without one.
func greet(t *testing.T, server *scriptedServer, options ...asha.Option) codes.Code {
	t.Helper()
	client := connect(t, server, append(options, asha.WithRetryFor(0))...)
	_, err := client.Experiments().GetExperiment(t.Context(), &ashav1.GetExperimentRequest{})
	if err == nil {
		return codes.OK
	}
	refusal, ok := errors.AsType[*asha.Error](err)
	if !ok {
		t.Fatalf("got %T, want *asha.Error", err)
	}
	return refusal.Code
}

func TestTLSWantsATrustedServer(t *testing.T) {
	t.Parallel()
	certificate, key := selfSigned(t)
	stranger, _ := selfSigned(t)
	server := listenTCP(t, grpc.Creds(credentials.NewTLS(loadTLS(t, "", certificate, key))))

	equal(t, "with its root", greet(t, server, asha.WithTLS(loadTLS(t, certificate, "", ""))), codes.OK)
	equal(t, "with another root", greet(t, server, asha.WithTLS(loadTLS(t, stranger, "", ""))), codes.Unavailable)
	equal(t, "with the system's roots", greet(t, server, asha.WithTLS(loadTLS(t, "", "", ""))), codes.Unavailable)
	equal(t, "in plaintext", greet(t, server), codes.Unavailable)
	equal(t, "calls that arrived", len(server.received("")), 1)
}

func TestMutualTLSShowsTheClientsCertificate(t *testing.T) {
	t.Parallel()
	certificate, key := selfSigned(t)
	config := loadTLS(t, certificate, certificate, key)
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, config.RootCAs
	server := listenTCP(t, grpc.Creds(credentials.NewTLS(config)))

	equal(t, "with one", greet(t, server, asha.WithTLS(loadTLS(t, certificate, certificate, key))), codes.OK)
	equal(t, "without one", greet(t, server, asha.WithTLS(loadTLS(t, certificate, "", ""))), codes.Unavailable)
	equal(t, "calls that arrived", len(server.received("")), 1)
}

func TestFilesThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	certificate, key := selfSigned(t)
	for name, files := range map[string][3]string{
		"absent roots":        {"/nowhere/roots.pem", "", ""},
		"roots without any":   {key, "", ""},
		"certificate, no key": {"", certificate, ""},
	} {
		if _, err := asha.LoadTLS(files[0], files[1], files[2]); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestATokenGoesWithEveryCall(t *testing.T) {
	t.Parallel()
	certificate, key := selfSigned(t)
	for name, test := range map[string]struct {
		server  *scriptedServer
		options []asha.Option
	}{
		"plaintext": {listenTCP(t), nil},
		"TLS": {
			listenTCP(t, grpc.Creds(credentials.NewTLS(loadTLS(t, "", certificate, key)))),
			[]asha.Option{asha.WithTLS(loadTLS(t, certificate, "", ""))},
		},
	} {
		equal(t, name, greet(t, test.server, append(test.options, asha.WithToken("secret"))...), codes.OK)
		headers := test.server.received("GetExperiment")[0].metadata.Get("authorization")
		equal(t, name+": headers", len(headers), 1)
		equal(t, name+": header", headers[0], "Bearer secret")
	}
}

func TestAUnixSocketIsAnAddress(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "asha.sock"))
	if err != nil {
		t.Fatal(err)
	}
	server := listen(t, listener)

	equal(t, "answer", greet(t, server), codes.OK)
	equal(t, "headers without a token", len(server.received("")[0].metadata.Get("authorization")), 0)
}
