package tencentsim

import (
	"encoding/json"
	"slices"
	"sync"

	"aftercall/internal/tencent"
)

// job is one command about one call, to be posted one or more times.
type job struct {
	call       *call
	command    tencent.Command
	copies     int
	concurrent bool
	override   json.RawMessage
	// bodies are those of the copies of CommandAfterMemberChanged.
	bodies [][]byte
}

// announce schedules the callbacks of a new call: those about its start and
// its members, which arrive in any order, and that about its end. s.mu is held.
func (s *Simulator) announce(c *call) error {
	cfg, ok := s.callbacks[c.app]
	if !ok || !slices.Contains(cfg.Commands, tencent.CommandAfterEndCall) {
		s.sent.Unconfigured++
	} else {
		s.schedule(&job{
			call: c, command: tencent.CommandAfterEndCall, copies: 1 + c.spec.Duplicates,
			concurrent: c.spec.Concurrent,
		})
	}
	if slices.Contains(cfg.Commands, tencent.CommandAfterStartCall) {
		s.schedule(&job{call: c, command: tencent.CommandAfterStartCall, copies: 1})
	}
	if !slices.Contains(cfg.Commands, tencent.CommandAfterMemberChanged) {
		return nil
	}
	bodies, err := c.memberBodies()
	if err != nil {
		return err
	}
	bodies = c.spec.MemberEvents.apply(bodies, s.random)
	s.schedule(&job{call: c, command: tencent.CommandAfterMemberChanged, copies: len(bodies), bodies: bodies})
	return nil
}

// schedule starts a job. s.mu is held.
func (s *Simulator) schedule(j *job) { s.start(func() { s.run(j) }) }

// start runs something that Wait waits for. s.mu is held.
func (s *Simulator) start(run func()) {
	if s.pending == 0 {
		s.idle = make(chan struct{})
	}
	s.pending++
	s.jobs.Go(func() {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.finish()
		}()
		run()
	})
}

// finish marks one job as done. s.mu is held.
func (s *Simulator) finish() {
	s.pending--
	if s.pending == 0 {
		close(s.idle)
	}
}

// run posts the copies of a job.
func (s *Simulator) run(j *job) {
	var copies sync.WaitGroup
	defer copies.Wait()
	for n := 1; n <= j.copies; n++ {
		if j.concurrent {
			copies.Go(func() { s.postCopy(j, n) })
			continue
		}
		if s.ctx.Err() != nil {
			return // closed
		}
		s.postCopy(j, n)
	}
}
