package local

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"aftercall/dev/tencentsim"
	"aftercall/internal/cli"
	"aftercall/internal/config"
	"aftercall/internal/ops"
)

// unrecordedSeconds is how long the call without a record of the demo lasts.
const unrecordedSeconds = 95

// FindUnrecorded lets a call end of which there is neither a callback nor a record, in a
// room that is received, and audits the last hour. It returns what the audit printed, and
// a sentence about every deviation.
func (s *Stack) FindUnrecorded(ctx context.Context) (printed string, deviations []string) {
	ctx, cancel := context.WithTimeout(ctx, runTimeout)
	defer cancel()
	app := receivedApp(s.Config)
	if app == nil {
		return "", []string{"audit: no app of the configuration receives webhooks of rooms"}
	}
	placed, err := s.Tencent.PlaceCall(tencentsim.CallSpec{
		SDKAppID: app.SDKAppID, RoomID: "unrecorded", Seconds: unrecordedSeconds, EndedAgoSeconds: 180, NoRecord: true, Lose: true,
	})
	if err == nil {
		err = s.Tencent.Wait(ctx)
	}
	if err != nil {
		return "", []string{"audit: " + err.Error()}
	}
	now := time.Now()
	args := []string{"audit", "--app", app.Name, "--from", now.Add(-time.Hour).UTC().Format(time.RFC3339), "--to", now.UTC().Format(time.RFC3339)}
	table := s.Command(ctx, args...)
	if table.Code != cli.Refused {
		deviations = append(deviations, fmt.Sprintf("audit: exit code %d, want %d: %s", table.Code, cli.Refused, table.Stderr))
	}
	var found []ops.RoomAudit
	if err := json.Unmarshal([]byte(s.Command(ctx, append(args, "--output", "json")...).Stdout), &found); err != nil {
		return table.Stdout, append(deviations, "audit: "+err.Error())
	}
	for _, a := range found {
		for _, u := range a.Unexplained {
			if u.ID != placed.Record.RoomID || u.Seconds != unrecordedSeconds {
				deviations = append(deviations, fmt.Sprintf("audit: room %s, %d s, is not that of the call without a record", u.ID, u.Seconds))
			}
		}
		if len(a.Unexplained) != 1 {
			deviations = append(deviations, fmt.Sprintf("audit: found %d calls without a record, want 1", len(a.Unexplained)))
		}
	}
	return table.Stdout, deviations
}

// receivedApp is the first app whose rooms are received; nil if there is none.
func receivedApp(cfg *config.Config) *config.App {
	for i := range cfg.Apps {
		if cfg.Apps[i].Evidence.Rooms() {
			return &cfg.Apps[i]
		}
	}
	return nil
}
