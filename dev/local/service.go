package local

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

	"aftercall/internal/testenv/programs"
)

// Service is the starter or the worker.
type Service struct {
	// Program is its path, to run it as a process, as in production, with Args.
	Program string
	Args    []string
	// Run runs it within this process until ctx ends, if there is no Program.
	Run func(ctx context.Context, environ map[string]string, stderr io.Writer) error
}

// servicePart returns one of the starters or workers, which has started when it is ready.
func (s *Stack) servicePart(kind string, i int, service Service, adminPort int) part {
	name := numbered(kind, i)
	return part{name, func(ctx context.Context) error {
		if err := s.launch(name, i, service, adminPort, nil); err != nil {
			return err
		}
		return s.await(ctx, "the "+name, func(ctx context.Context) error { return s.ready(ctx, adminPort) })
	}}
}

// StartWorker starts the worker and waits until it is ready.
func (s *Stack) StartWorker(ctx context.Context) error { return s.StartPart(ctx, "worker") }

// LaunchPart starts a starter or a worker that was stopped, without waiting until it is
// ready; as another program unless instead is empty, and with changed environment
// variables.
func (s *Stack) LaunchPart(name string, instead Service, change map[string]string) error {
	for _, kind := range []struct {
		name       string
		service    Service
		adminPorts []int
	}{{"starter", s.options.Starter, s.ports.StarterAdmins}, {"worker", s.options.Worker, s.ports.WorkerAdmins}} {
		i := slices.Index(Numbered(kind.name, len(kind.adminPorts)), name)
		if i < 0 {
			continue
		}
		if instead.Program != "" {
			kind.service = instead
		}
		return s.launch(name, i, kind.service, kind.adminPorts[i], change)
	}
	return fmt.Errorf("the stack has no starter or worker %q", name)
}

// AwaitPart waits until a starter or a worker is ready.
func (s *Stack) AwaitPart(ctx context.Context, name string) error {
	ports := map[string]int{}
	for kind, adminPorts := range map[string][]int{"starter": s.ports.StarterAdmins, "worker": s.ports.WorkerAdmins} {
		for i, port := range adminPorts {
			ports[numbered(kind, i)] = port
		}
	}
	return s.await(ctx, "the "+name, func(ctx context.Context) error { return s.ready(ctx, ports[name]) })
}

// drain is how long a starter that stops is not ready before it stops listening.
// The proxy asks every 500 ms, and believes the third answer.
func (t Topology) drain() string {
	if t.Proxy {
		return "2s"
	}
	return "0s"
}

func (s *Stack) launch(name string, i int, service Service, adminPort int, change map[string]string) error {
	environ := map[string]string{"AFTERCALL_LISTEN": address(s.ports.starter(i))}
	maps.Copy(environ, change)
	return s.Launch(name, service, adminPort, environ)
}

// Launch runs a starter or a worker as a part, with changed environment variables,
// without waiting until it is ready.
func (s *Stack) Launch(name string, service Service, adminPort int, change map[string]string) error {
	environ := s.Environ()
	environ["AFTERCALL_DRAIN"] = s.options.Topology.drain()
	if s.options.AnswerTimeout > 0 {
		environ["AFTERCALL_ANSWER_TIMEOUT"] = s.options.AnswerTimeout.String()
	}
	environ["AFTERCALL_ADMIN_LISTEN"] = address(adminPort)
	maps.Copy(environ, s.options.PartEnviron[name])
	maps.Copy(environ, change)
	return s.run(name, func(ctx context.Context, log io.Writer) error {
		if service.Program == "" {
			return service.Run(ctx, environ, log)
		}
		return s.runProgram(ctx, name, programs.Server{Path: service.Program, Args: service.Args}, environ, log)
	})
}

// Ready returns an error while the starter is not ready.
func (s *Stack) Ready(ctx context.Context) error { return s.ready(ctx, s.ports.StarterAdmins[0]) }

func (s *Stack) ready(ctx context.Context, adminPort int) error {
	_, err := AskAdmin(ctx, httpURL(adminPort)+"/readyz")
	return err
}
