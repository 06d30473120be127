package asha

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	ashav1 "asha/clients/go/asha/v1"
)

// DefaultAddress is where [Connect] looks for the server if nobody says.
const DefaultAddress = "localhost:50051"

// Client is a client of one server. Goroutines may share it.
type Client struct {
	connection *grpc.ClientConn
	settings   *settings
	session    *session
}

type settings struct {
	address        string
	credentials    credentials.TransportCredentials
	token          string
	deadline       time.Duration
	initialBackoff time.Duration
	maxBackoff     time.Duration
	retryFor       time.Duration // negative: for ever
	sessions       bool
	logger         *slog.Logger
	dialOptions    []grpc.DialOption
}

// Option is a setting of [Connect].
type Option func(*settings)

// WithTLS encrypts the connection; see [LoadTLS] for a configuration from files.
// Default: plaintext.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) { s.credentials = credentials.NewTLS(config) }
}

// WithToken sends an access token with every call, as "authorization: Bearer TOKEN".
// Default: the environment's ASHA_TOKEN. It is sent without TLS too: use both.
func WithToken(token string) Option {
	return func(s *settings) { s.token = token }
}

// WithDeadline limits each attempt at a call. Default: 10 s. A long poll has its max_wait more.
func WithDeadline(deadline time.Duration) Option {
	return func(s *settings) { s.deadline = deadline }
}

// WithBackoff sets the ceilings of the first pause between attempts and of every pause.
// A pause is random between 0 and its ceiling, which doubles each time.
// Both are at least 1 ms. Default: 0.2 s and 20 s.
func WithBackoff(initial, maximum time.Duration) Option {
	return func(s *settings) {
		s.initialBackoff, s.maxBackoff = max(initial, time.Millisecond), max(maximum, time.Millisecond)
	}
}

// WithRetryFor limits how long one call is sent again; 0: not at all.
// Default: for ever, with a warning at growing intervals.
func WithRetryFor(duration time.Duration) Option {
	return func(s *settings) { s.retryFor = max(duration, 0) }
}

// WithSessions says whether the calls of loops and trials share one stream (TrainingSession), which
// costs less a call and brings a stop by a person at once. Default: true; where the server, or a
// proxy, has no such stream they are unary calls all the same.
func WithSessions(sessions bool) Option {
	return func(s *settings) { s.sessions = sessions }
}

// WithLogger takes the warnings. Default: [slog.Default].
func WithLogger(logger *slog.Logger) Option {
	return func(s *settings) { s.logger = logger }
}

// WithDialOptions adds options of the gRPC connection, after those of this client.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dialOptions = append(s.dialOptions, options...) }
}

// LoadTLS makes a TLS configuration from PEM files.
// An empty roots means the system's; certificate and key, for mutual TLS, may both be empty.
func LoadTLS(roots, certificate, key string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if roots != "" {
		pem, err := os.ReadFile(roots)
		if err != nil {
			return nil, fmt.Errorf("root certificates: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("root certificates: no certificate in %s", roots)
		}
	}
	if certificate != "" || key != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Connect makes a client of the server at an address, host:port or unix:path.
// An empty address means the environment's ASHA_SERVER, then [DefaultAddress].
// It does no I/O, so the server need not be there yet: the first call connects.
func Connect(address string, options ...Option) (*Client, error) {
	s := &settings{
		address:        cmp.Or(address, os.Getenv("ASHA_SERVER"), DefaultAddress),
		credentials:    insecure.NewCredentials(),
		token:          os.Getenv("ASHA_TOKEN"),
		deadline:       10 * time.Second,
		initialBackoff: 200 * time.Millisecond,
		maxBackoff:     20 * time.Second,
		retryFor:       -1,
		sessions:       true,
		logger:         slog.Default(),
	}
	for _, option := range options {
		option(s)
	}
	// gRPC's own reconnect back-off grows to 2 minutes and fails calls meanwhile; ours is enough.
	reconnect := backoff.Config{
		BaseDelay:  min(s.initialBackoff, 100*time.Millisecond),
		Multiplier: 1.6,
		Jitter:     0.2,
		MaxDelay:   min(s.maxBackoff, 5*time.Second),
	}
	dialOptions := append([]grpc.DialOption{
		grpc.WithTransportCredentials(s.credentials),
		grpc.WithChainUnaryInterceptor(s.intercept),
		grpc.WithDisableRetry(),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 5 * time.Second}),
		// Turns TCP_USER_TIMEOUT on: bytes unacknowledged for 20 s break the connection instead of
		// leaving it half open. Pings stay rarer than the 5 minutes that servers tolerate by default.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 6 * time.Minute, Timeout: 20 * time.Second}),
	}, s.dialOptions...)
	if s.token != "" {
		dialOptions = append(dialOptions, grpc.WithPerRPCCredentials(bearer(s.token)))
	}
	connection, err := grpc.NewClient(s.address, dialOptions...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", s.address, err)
	}
	return &Client{connection, s, newSession(connection, s)}, nil
}

// Close closes the connection. End the loops first, by their context: they release their trials.
func (c *Client) Close() error {
	c.session.close()
	return c.connection.Close()
}

// Experiment names an experiment. It does no I/O.
func (c *Client) Experiment(id string) *Experiment { return &Experiment{client: c, id: id} }

// Suggestions is the API of training processes.
func (c *Client) Suggestions() ashav1.SuggestionServiceClient {
	return ashav1.NewSuggestionServiceClient(c.connection)
}

// workers is the API as loops and trials call it: over the session, unless that is switched off.
func (c *Client) workers() ashav1.SuggestionServiceClient {
	if c.settings.sessions {
		return ashav1.NewSuggestionServiceClient(c.session)
	}
	return c.Suggestions()
}

// Experiments is the API of people and controllers: create, watch, stop.
func (c *Client) Experiments() ashav1.ExperimentServiceClient {
	return ashav1.NewExperimentServiceClient(c.connection)
}

// Admin is the API of who runs the server.
func (c *Client) Admin() ashav1.AdminServiceClient {
	return ashav1.NewAdminServiceClient(c.connection)
}

// Connection is the gRPC connection beneath, with this client's deadlines, retries and errors on
// its unary calls.
func (c *Client) Connection() grpc.ClientConnInterface { return c.connection }

// bearer is an access token as gRPC's credentials of a call.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }
