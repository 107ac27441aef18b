package tencentsim

import (
	"encoding/json"
	"slices"
	"sync"
	"time"

	"aftercall/internal/tencent"
)

// job is one command about one call, to be posted one or more times.
type job struct {
	call       *call
	command    tencent.Command
	delay      time.Duration
	copies     int
	spacing    time.Duration
	concurrent bool
	redelivery json.RawMessage
}

// announce schedules the callbacks of a new call: those of its start and
// members, which arrive in any order, and that of its end. s.mu is held.
func (s *Simulator) announce(c *call) {
	cfg, ok := s.callbacks[c.app]
	if !ok || !slices.Contains(cfg.Commands, tencent.CommandAfterEndCall) {
		s.sent.Unconfigured++
	} else {
		s.schedule(&job{
			call: c, command: tencent.CommandAfterEndCall, copies: 1 + c.spec.Duplicates,
			delay:      time.Duration(c.spec.CallbackDelayMS) * time.Millisecond,
			spacing:    time.Duration(c.spec.DuplicateSpacingMS) * time.Millisecond,
			concurrent: c.spec.Concurrent,
		})
	}
	for _, command := range []tencent.Command{tencent.CommandAfterStartCall, tencent.CommandAfterMemberChanged} {
		if slices.Contains(cfg.Commands, command) {
			s.schedule(&job{call: c, command: command, copies: 1})
		}
	}
}

// schedule starts a job, or holds it for reordering. s.mu is held.
func (s *Simulator) schedule(j *job) {
	if s.pending == 0 {
		s.idle = make(chan struct{})
	}
	s.pending++
	if s.faults.ReorderBatch < 2 || j.command != tencent.CommandAfterEndCall {
		s.jobs.Go(func() { s.run(j) })
		return
	}
	s.held = append(s.held, j)
	switch {
	case len(s.held) >= s.faults.ReorderBatch:
		s.flushHeld()
	case len(s.held) == 1:
		s.holdTimer = time.AfterFunc(time.Duration(s.faults.ReorderHoldMS)*time.Millisecond, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.flushHeld()
		})
	}
}

// flushHeld posts the held callbacks in shuffled order. s.mu is held.
func (s *Simulator) flushHeld() {
	s.stopHoldTimer()
	batch := s.held
	s.held = nil
	if len(batch) == 0 {
		return
	}
	s.random.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	s.jobs.Go(func() {
		for _, j := range batch {
			s.run(j)
		}
	})
}

func (s *Simulator) stopHoldTimer() {
	if s.holdTimer != nil {
		s.holdTimer.Stop()
	}
	s.holdTimer = nil
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
	if !s.pause(j.delay) {
		return
	}
	var copies sync.WaitGroup
	defer copies.Wait()
	for n := 1; n <= j.copies; n++ {
		if j.concurrent {
			copies.Go(func() { s.deliver(j, n) })
			continue
		}
		if n > 1 && !s.pause(j.spacing) {
			return
		}
		s.deliver(j, n)
	}
}

// pause waits; it reports false when the simulator is closed meanwhile.
func (s *Simulator) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.ctx.Done():
		return false
	case <-timer.C:
		return s.ctx.Err() == nil
	}
}
