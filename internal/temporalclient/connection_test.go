package temporalclient

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// blackHole is a TCP proxy whose open connections can fall silent: they stay
// open, and nothing passes. Later connections pass.
type blackHole struct {
	net.Listener
	to string
	wg sync.WaitGroup

	mu       sync.Mutex
	silent   chan struct{} // closed when the open connections fall silent
	conns    []net.Conn
	accepted int
}

func newBlackHole(t *testing.T, to string) *blackHole {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &blackHole{Listener: l, to: to, silent: make(chan struct{})}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
	return p
}

func (p *blackHole) accept() {
	for {
		front, err := p.Accept()
		if err != nil {
			return
		}
		back, err := net.Dial("tcp", p.to)
		if err != nil {
			front.Close()
			continue
		}
		p.mu.Lock()
		silent := p.silent
		p.conns = append(p.conns, front, back)
		p.accepted++
		p.mu.Unlock()
		p.wg.Go(func() { pass(front, back, silent) })
		p.wg.Go(func() { pass(back, front, silent) })
	}
}

// pass copies until silent is closed, and then reads and drops.
func pass(to, from net.Conn, silent chan struct{}) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		select {
		case <-silent:
			if err != nil {
				return
			}
			continue
		default:
		}
		if err != nil {
			to.Close()
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (p *blackHole) fallSilent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.silent)
	p.silent = make(chan struct{})
}

func (p *blackHole) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// fakeServer answers what a client asks at least. Its longest answers come when
// release is closed.
type fakeServer struct {
	workflowservice.UnimplementedWorkflowServiceServer
	release chan struct{}
}

func (*fakeServer) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{}, nil
}

func (*fakeServer) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	return &workflowservice.DescribeNamespaceResponse{}, nil
}

func (f *fakeServer) PollWorkflowTaskQueue(ctx context.Context, _ *workflowservice.PollWorkflowTaskQueueRequest) (*workflowservice.PollWorkflowTaskQueueResponse, error) {
	select {
	case <-f.release:
		return &workflowservice.PollWorkflowTaskQueueResponse{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// newServer returns the address of a fake Temporal.
func newServer(t *testing.T) (*fakeServer, string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server, fake := grpc.NewServer(), &fakeServer{release: make(chan struct{})}
	workflowservice.RegisterWorkflowServiceServer(server, fake)
	healthy := health.NewServer()
	healthy.SetServingStatus("temporal.api.workflowservice.v1.WorkflowService", grpc_health_v1.HealthCheckResponse_SERVING)
	grpc_health_v1.RegisterHealthServer(server, healthy)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		require.NoError(t, <-served)
	})
	return fake, l.Addr().String()
}

func connect(t *testing.T, address string, times watchTimes) client.Client {
	t.Helper()
	c, _, err := newClient(Environment{"TEMPORAL_ADDRESS": address}, nil, slog.New(slog.DiscardHandler), times, nil)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// pingWithin has the time that a callback has.
func pingWithin(c client.Client, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return Ping(ctx, c, "default")
}

// TestSilentConnectionIsReplaced has packets vanish, with callbacks and without.
func TestSilentConnectionIsReplaced(t *testing.T) {
	_, server := newServer(t)
	t.Run("while there are calls", func(t *testing.T) {
		t.Parallel()
		proxy := newBlackHole(t, server)
		c := connect(t, proxy.Addr().String(), usualWatch)
		require.NoError(t, pingWithin(c, 30*time.Second))
		proxy.fallSilent()
		require.Error(t, pingWithin(c, 100*time.Millisecond))
		require.Eventually(t, func() bool { return pingWithin(c, 900*time.Millisecond) == nil }, 10*time.Second, time.Millisecond)
	})
	t.Run("while there are none", func(t *testing.T) {
		t.Parallel()
		proxy := newBlackHole(t, server)
		c := connect(t, proxy.Addr().String(), usualWatch)
		require.NoError(t, pingWithin(c, 30*time.Second))
		proxy.fallSilent()
		require.Eventually(t, func() bool { return proxy.connections() == 2 }, 10*time.Second, 10*time.Millisecond)
		require.NoError(t, pingWithin(c, 30*time.Second))
	})
}

// TestSlowAnswerIsNoSilence has one long call, as workers make them, and nothing
// else for many times as long as a silent connection is given.
func TestSlowAnswerIsNoSilence(t *testing.T) {
	fake, server := newServer(t)
	proxy := newBlackHole(t, server)
	c := connect(t, proxy.Addr().String(), watchTimes{quiet: 20 * time.Millisecond, probe: time.Minute})
	require.NoError(t, pingWithin(c, 30*time.Second))
	answered := make(chan error, 1)
	go func() {
		_, err := c.WorkflowService().PollWorkflowTaskQueue(context.Background(), &workflowservice.PollWorkflowTaskQueueRequest{})
		answered <- err
	}()
	time.AfterFunc(500*time.Millisecond, func() { close(fake.release) })
	require.NoError(t, <-answered)
	require.Equal(t, 1, proxy.connections())
}

func TestServerThatIsNotThere(t *testing.T) {
	c := connect(t, "127.0.0.1:1", usualWatch)
	require.Error(t, pingWithin(c, time.Second))
}
