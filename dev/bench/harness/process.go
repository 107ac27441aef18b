// Package harness runs the contestants: it starts the servers and a simulated
// Tencent, sends callbacks, receives the webhooks, measures CPU time and memory
// of every process, and counts the calls that were lost or charged twice.
package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	host         = "127.0.0.1"
	startTimeout = 60 * time.Second
	stopTimeout  = 30 * time.Second
)

// process is a server or a service in its own process group. On Linux it is
// killed when the harness ends.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
	err  error // valid after done
}

// command describes how to start a process.
type command struct {
	name    string
	path    string
	args    []string
	environ map[string]string
	dir     string
	// as is the user to run as; nil for the current user.
	as *syscall.Credential
}

// start starts c, with its output in a log file in logs.
func start(c command, logs string) (*process, error) {
	log, err := os.OpenFile(filepath.Join(logs, c.name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(c.path, c.args...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, c.dir
	cmd.SysProcAttr = ownGroup(c.as)
	if c.environ != nil {
		cmd.Env = []string{}
		for k, v := range c.environ {
			cmd.Env = append(cmd.Env, k+"="+v)
		}
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", c.name, err), log.Close())
	}
	p := &process{name: c.name, cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// stop sends the signal, and kills the process if it does not end.
func (p *process) stop(signal syscall.Signal) error {
	if err := p.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.done:
		return p.log.Close()
	case <-time.After(stopTimeout):
	}
	if err := p.kill(); err != nil {
		return err
	}
	return fmt.Errorf("%s did not end within %s and was killed", p.name, stopTimeout)
}

// stopped reports whether the process has ended by itself.
func (p *process) stopped() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill ends the process with SIGKILL.
func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.done
	return p.log.Close()
}

// await polls until ask succeeds or the process ends.
func await(ctx context.Context, p *process, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not start: %w; its output is in %s", p.name, err, p.log.Name())
		case <-p.done:
			return fmt.Errorf("%s exited (%w); its output is in %s", p.name, p.err, p.log.Name())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ready returns a function that succeeds when url answers 200.
func ready(url string) func(context.Context) error {
	client := &http.Client{Timeout: 5 * time.Second}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%s answers %d", url, resp.StatusCode)
		}
		return nil
	}
}

func address(port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

func httpURL(port int) string { return "http://" + address(port) }
