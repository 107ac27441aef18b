package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"aftercall/dev/ownconfig"
	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

// firstCallTimeout bounds how long FirstCalls waits for a call.
const firstCallTimeout = time.Minute

// readOwnConfig makes the file of Options.Config one for the stack, if there is one.
func (s *Stack) readOwnConfig() error {
	if s.options.Config == "" {
		return nil
	}
	own, err := ownconfig.Read(s.options.Config, os.LookupEnv, ownconfig.Addresses{
		Tencent: httpURL(s.ports.Tencent), Starter: httpURL(s.ports.Starter), Receiver: httpURL(s.ports.WebhookApp), Mail: address(s.ports.Mail),
	})
	if err != nil {
		return err
	}
	s.Own = own
	if err := os.WriteFile(s.ownConfigPath(), own.YAML, 0o600); err != nil {
		return fmt.Errorf("store the configuration of the stack: %w", err)
	}
	return nil
}

func (s *Stack) ownConfigPath() string { return filepath.Join(s.dir, "aftercall.yaml") }

// ownEnviron are the environment variables of a stack with a configuration of its own.
func (s *Stack) ownEnviron() map[string]string {
	if s.Own == nil {
		return nil
	}
	environ := map[string]string{
		"AFTERCALL_CONFIG": s.ownConfigPath(),
		// Prices are tried out here, so a version of a tariff may be edited.
		"AFTERCALL_ACCEPT_EDITED_TARIFF": strings.Join(s.Own.Tariffs, ","),
	}
	for name, value := range s.Own.Variables {
		environ[name] = value
	}
	return environ
}

// FirstCall is a call of an app, and what aftercall call says about it.
type FirstCall struct {
	CallID, Report string
}

// FirstCalls lets one call of each app end, and waits until each is done or waits for
// something: a person's decision, or a target that cannot be reached.
func (s *Stack) FirstCalls(ctx context.Context) ([]FirstCall, error) {
	calls := make([]tencentsim.Call, len(s.Config.Apps))
	for i, app := range s.Config.Apps {
		var err error
		if calls[i], err = s.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: app.SDKAppID, Media: tencent.MediaAudio, Seconds: 61}); err != nil {
			return nil, fmt.Errorf("place a call of %s: %w", app.Name, err)
		}
	}
	first := make([]FirstCall, len(calls))
	for i, call := range calls {
		if err := s.awaitProgress(ctx, call); err != nil {
			return nil, err
		}
		report := s.Command(ctx, "call", call.Record.CallID)
		if err := report.Err(); err != nil {
			return nil, fmt.Errorf("the call of %s: %w", s.Config.Apps[i].Name, err)
		}
		first[i] = FirstCall{call.Record.CallID, report.Stdout}
	}
	return first, nil
}

// awaitProgress is AwaitSettled with a limit: the report says what a call waits for.
func (s *Stack) awaitProgress(ctx context.Context, call tencentsim.Call) error {
	timed, cancel := context.WithTimeout(ctx, firstCallTimeout)
	defer cancel()
	_, err := AwaitSettled(timed, s.Temporal, call)
	if ctx.Err() == nil && timed.Err() != nil {
		return nil
	}
	return err
}
