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
}

// announce schedules the callbacks of a new call: those about its start and
// its members, which arrive in any order, and that about its end. s.mu is held.
func (s *Simulator) announce(c *call) {
	cfg, ok := s.callbacks[c.app]
	if !ok || !slices.Contains(cfg.Commands, tencent.CommandAfterEndCall) {
		s.sent.Unconfigured++
	} else {
		s.schedule(&job{
			call: c, command: tencent.CommandAfterEndCall, copies: 1 + c.spec.Duplicates,
			concurrent: c.spec.Concurrent,
		})
	}
	for _, command := range []tencent.Command{tencent.CommandAfterStartCall, tencent.CommandAfterMemberChanged} {
		if slices.Contains(cfg.Commands, command) {
			s.schedule(&job{call: c, command: command, copies: 1})
		}
	}
}

// schedule starts a job. s.mu is held.
func (s *Simulator) schedule(j *job) {
	if s.pending == 0 {
		s.idle = make(chan struct{})
	}
	s.pending++
	s.jobs.Go(func() { s.run(j) })
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
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.finish()
	}()
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
