package config

import (
	"cmp"
	"errors"
	"regexp"
	"time"

	"aftercall/internal/billing"
	"aftercall/internal/ledger"
	"aftercall/internal/sweep"
)

// Evidence is where events are kept that say who was in a call, and for how long.
type Evidence struct {
	URL       ConnectionURL `yaml:"url" doc:"Database of the events, written as LEDGER_URL; left out, LEDGER_URL."`
	Retention time.Duration `yaml:"retention" default:"2160h" doc:"How long events are kept, by their own time, 24h to 87600h, and 72h at least with room_key; 2160h is 90 days. What a charge was made from is kept in the ledger."`
	Wait      time.Duration `yaml:"wait" default:"90s" doc:"How long after its end a call that is charged by evidence waits for late events, 1s to 10m. Tencent repeats webhooks for a minute."`
}

// AppEvidence is which events of an app are kept.
type AppEvidence struct {
	Members bool `yaml:"members" default:"false" doc:"true keeps what Call.CallbackAfterStartCall and Call.CallbackAfterMemberChanged say, and lets aftercall callback set register them."`
	// RoomKey is the first of RoomKeys if these are configured.
	RoomKey  Secret   `yaml:"room_key" doc:"Key of the rooms' webhooks, as set in the RTC console: up to 32 letters and digits. Then they are received at /tencent/rtc/<secret>, with the secret of callback."`
	RoomKeys []Secret `yaml:"room_keys" doc:"In place of room_key, while a new one replaces another: first the new one, then the old one. Either is accepted."`
}

// AllRoomKeys are those whose signatures are accepted, none if rooms are not received.
func (e AppEvidence) AllRoomKeys() []Secret { return orSingle(e.RoomKeys, e.RoomKey) }

// Rooms reports whether webhooks of the app's rooms are received.
func (e AppEvidence) Rooms() bool { return len(e.AllRoomKeys()) > 0 }

// On reports whether any events of the app are kept.
func (e AppEvidence) On() bool { return e.Members || e.Rooms() }

// receivesRooms reports whether webhooks of the rooms of any app are received.
func (c *Config) receivesRooms() bool {
	for i := range c.Apps {
		if c.Apps[i].Evidence.Rooms() {
			return true
		}
	}
	return false
}

// KeepsEvidence reports whether events of any app are kept.
func (c *Config) KeepsEvidence() bool {
	for i := range c.Apps {
		if c.Apps[i].Evidence.On() {
			return true
		}
	}
	return false
}

// DeletesEvidence reports whether there are events to delete some day: also those of
// apps whose events are kept no longer, as long as the file has the key evidence.
func (c *Config) DeletesEvidence() bool { return c.Evidence != nil || c.KeepsEvidence() }

// EvidenceURL is where events are kept, in place of which the ledger's is used.
func (c *Config) EvidenceURL(ledgerURL ConnectionURL) ConnectionURL {
	if c.Evidence == nil || c.Evidence.URL.Reveal() == "" {
		return ledgerURL
	}
	return c.Evidence.URL
}

// defaultRetention is the default of Evidence.Retention for a file without that key.
const defaultRetention = 90 * 24 * time.Hour

// EvidenceRetention is how long events are kept.
func (c *Config) EvidenceRetention() time.Duration {
	if c.Evidence == nil {
		return defaultRetention
	}
	return cmp.Or(c.Evidence.Retention, defaultRetention)
}

// defaultEvidenceWait is the default of Evidence.Wait for a file without that key.
const defaultEvidenceWait = 90 * time.Second

// EvidenceWait is how long after its end a call that is charged by evidence waits for
// late events.
func (c *Config) EvidenceWait() time.Duration {
	if c.Evidence == nil {
		return defaultEvidenceWait
	}
	return cmp.Or(c.Evidence.Wait, defaultEvidenceWait)
}

// ChargesByEvidence reports whether calls of any app are charged by evidence.
func (c *Config) ChargesByEvidence() bool {
	for i := range c.Apps {
		if c.Apps[i].WithoutRecord == billing.UnrecordedEvidence || c.Apps[i].Payer.NeedsRoom() {
			return true
		}
		for _, a := range c.Apps[i].Tariff {
			if c.Tariffs[a.Name].EvidenceSources() > 0 {
				return true
			}
		}
	}
	return false
}

// AuditReach is how far back rooms can be compared with records: as far as Tencent lists
// these and events are kept.
func (c *Config) AuditReach() time.Duration { return min(sweep.Reach, c.EvidenceRetention()) }

const (
	minRetention    = 24 * time.Hour
	maxRetention    = 10 * 365 * 24 * time.Hour
	minEvidenceWait = time.Second
	maxEvidenceWait = 10 * time.Minute
	// minRoomRetention is longer than the audit needs: whoever was not seen to leave a room is
	// in it for a day, and may have met others there who entered up to a day before. The hour
	// in which the room is empty is audited when it is over.
	minRoomRetention = 72 * time.Hour
	// minChargedRetention is longer than Tencent keeps records, so that every call that
	// can still be charged has its events. D:68931
	minChargedRetention = 8 * 24 * time.Hour
)

func (v validator) evidence(path string, e Evidence) {
	if problem := (*ledger.URLError)(nil); v.has(path+".url") && errors.As(ledger.ValidateURL(e.URL.Reveal()), &problem) {
		v.report(path+".url", "%s", problem.Problem)
	}
	switch {
	case e.Retention < minRetention || e.Retention > maxRetention:
		v.report(path+".retention", "must be from 24h to 87600h, ten years; 2160h is 90 days")
	case e.Retention < minRoomRetention && v.config.receivesRooms():
		v.report(path+".retention", "must be 72h at least, because an app has room_key: the audit reads what was seen of rooms up to two days before; write 72h or more, or leave it out")
	}
	if e.Retention < minChargedRetention && v.config.ChargesByEvidence() {
		v.report(path+".retention", "must be 192h at least, because calls are charged by evidence, up to seven days after their end")
	}
	if e.Wait < minEvidenceWait || e.Wait > maxEvidenceWait {
		v.report(path+".wait", "must be from 1s to 10m; left out, it is 90s")
	}
}

// roomKeyPattern is what the console accepts. D:54912
var roomKeyPattern = regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`)

func (v validator) appEvidence(path string, e AppEvidence) {
	v.either(path, "room_key", e.RoomKey, e.RoomKeys, func(path string, key Secret) {
		if !roomKeyPattern.MatchString(key.Reveal()) {
			v.report(path, "must be 1 to 32 letters and digits, as the RTC console accepts: copy it from there, or make one with: openssl rand -hex 16")
		}
	})
}

// evidenceOfTariffs refuses tariffs that charge by events of an app that keeps none.
func (v validator) evidenceOfTariffs(path string, app App) {
	rooms := len(app.Evidence.AllRoomKeys()) > 0
	for _, a := range app.Tariff {
		needed := v.config.Tariffs[a.Name].EvidenceSources()
		switch {
		case needed > 0 && !app.Evidence.On():
			v.report(path, "must have members: true, room_key or both, because tariff %s has per: participant_minute: otherwise nothing is seen of its calls", a.Name)
		case needed > 1 && !rooms:
			v.report(path+".room_key", "is missing, because tariff %s requires two sources: copy the key from the RTC console, or write sources: 1", a.Name)
		case needed > 1 && !app.Evidence.Members:
			v.report(path+".members", "must be true, because tariff %s requires two sources; or write sources: 1", a.Name)
		}
	}
}
