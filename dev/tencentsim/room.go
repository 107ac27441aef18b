package tencentsim

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"aftercall/internal/tencent"
)

// How Tencent posts the webhooks of rooms. D:39558
const (
	// roomTimeout is how long a receiver may take to answer.
	roomTimeout = 5 * time.Second
	// DefaultRoomRetry is between two attempts, the first two of which follow each other
	// at once.
	DefaultRoomRetry = 10 * time.Second
	// roomAttempts are those within a minute.
	roomAttempts = 8
	// atOnce is when the second attempt follows the first: after the next webhook, which
	// can be an equal one, has been sent.
	atOnce = time.Millisecond
)

// RoomWebhook is what the RTC console sets for the rooms of an app.
type RoomWebhook struct {
	URL string `json:"url"`
	// Key signs the body; up to 32 letters and digits.
	Key string `json:"key"`
}

// SetRoomWebhook sets where the webhooks of an app's rooms are posted; nil posts none.
// It is not in the journal.
func (s *Simulator) SetRoomWebhook(app tencent.SDKAppID, hook *RoomWebhook) error {
	if _, ok := s.apps[app]; !ok {
		return fmt.Errorf("sdk_app_id: %s is not one of the simulator's apps", app)
	}
	if hook != nil {
		if u, err := url.Parse(hook.URL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return fmt.Errorf("url: must be an http or https URL")
		}
		if hook.Key == "" {
			return fmt.Errorf("key: is missing")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if hook == nil {
		delete(s.roomHooks, app)
		return nil
	}
	s.roomHooks[app] = *hook
	return nil
}

// announceRoom schedules the webhooks of a call's room. s.mu is held.
func (s *Simulator) announceRoom(c *call) error {
	hook, ok := s.roomHooks[c.app]
	if !ok {
		return nil
	}
	bodies, err := c.roomBodies()
	if err != nil {
		return err
	}
	bodies = c.spec.RoomEvents.apply(bodies, s.random)
	s.start(func() {
		var retries sync.WaitGroup
		defer retries.Wait()
		for _, body := range bodies {
			if s.ctx.Err() != nil {
				return // closed
			}
			// What is not answered does not hold up the events after it.
			if !s.postRoom(c, hook, body) {
				retries.Go(func() { s.retryRoom(c, hook, body) })
			}
		}
	})
	return nil
}

// retryRoom posts a webhook that was not answered until it is, or a minute is over.
func (s *Simulator) retryRoom(c *call, hook RoomWebhook, body []byte) {
	wait := atOnce
	for range roomAttempts - 1 {
		select {
		case <-s.ctx.Done():
			return
		case <-time.After(wait):
		}
		if s.postRoom(c, hook, body) {
			return
		}
		wait = s.roomRetry
	}
}

// postRoom posts a webhook once, and reports whether it was answered 200 in time.
func (s *Simulator) postRoom(c *call, hook RoomWebhook, body []byte) bool {
	start := s.wall()
	posted := PostedCallback{SentAt: start.UTC(), Body: body}
	status, answer, err := s.sendRoom(c.app, hook, body)
	if posted.Status, posted.Answer = status, answer; err != nil {
		posted.Error = err.Error()
	}
	posted.LatencyMS = s.wall().Sub(start).Milliseconds()
	s.mu.Lock()
	defer s.mu.Unlock()
	posted.Number = len(c.roomPosts) + 1
	c.roomPosts = append(c.roomPosts, posted)
	s.sent.RoomPosted++
	if status == http.StatusOK {
		s.sent.RoomAccepted++
	}
	return status == http.StatusOK
}

func (s *Simulator) sendRoom(app tencent.SDKAppID, hook RoomWebhook, body []byte) (status int, answer string, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), roomTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil {
		return 0, "", withoutURL(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("SdkAppId", app.String())
	req.Header.Set("Sign", tencent.RoomSign(hook.Key, body))
	resp, err := s.http.Do(req)
	if err != nil {
		return 0, "", withoutURL(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerSize))
	return resp.StatusCode, string(data), withoutURL(err)
}

// controlSetRoom answers PUT /control/rooms.
func (s *Simulator) controlSetRoom(w http.ResponseWriter, r *http.Request) {
	var request struct {
		SDKAppID tencent.SDKAppID `json:"sdk_app_id"`
		RoomWebhook
	}
	err := decodeStrictly(w, r, &request)
	if err == nil {
		hook := &request.RoomWebhook
		if *hook == (RoomWebhook{}) {
			hook = nil
		}
		err = s.SetRoomWebhook(request.SDKAppID, hook)
	}
	if err != nil {
		s.reject(w, http.StatusBadRequest, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
