package activities

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"aftercall/internal/tencent"
)

const (
	// operatorLogPeriod is how often a wait for an operator is logged: thousands of
	// calls may wait for the same.
	operatorLogPeriod = 15 * time.Minute
	// maxOperatorReasons bounds the memory for reasons.
	maxOperatorReasons = 1000
)

// operatorReason is what must be put right, and for whom.
type operatorReason struct{ who, errType, reason string }

// operatorLog logs what calls wait for until a person acts, once for each reason and
// period. It is safe for concurrent use.
type operatorLog struct {
	mu     sync.Mutex
	logged map[operatorReason]time.Time
}

// operatorCures are what to do about the errors that last until a person acts, by type.
var operatorCures = map[string]string{
	RecordAPIRefused:    "aftercall check says what to do",
	TargetMisconfigured: "aftercall check says what to do",
	AppNotConfigured:    "correct this worker's configuration, and restart it",
	TargetNotConfigured: "correct this worker's configuration, and restart it",
	TariffEdited:        "correct the tariff in this worker's configuration, and restart it",
}

// observe logs the error of an attempt if a person must act. who is an app or a
// target, and cause is err before it was classified.
func (l *operatorLog) observe(ctx context.Context, now time.Time, who string, err, cause error) {
	var classified *temporal.ApplicationError
	if !activity.IsActivity(ctx) || !errors.As(err, &classified) || operatorCures[classified.Type()] == "" {
		return
	}
	if l.admit(now, operatorReason{who, classified.Type(), reasonOf(cause, classified)}) {
		activity.GetLogger(ctx).Error("calls wait for an operator: "+operatorCures[classified.Type()], "of", who, "type", classified.Type(), "reason", classified.Message())
	}
}

// reasonOf is the same for all attempts that fail for one reason: Tencent's texts
// name the request.
func reasonOf(cause error, classified *temporal.ApplicationError) string {
	var api *tencent.APIError
	if errors.As(cause, &api) {
		return strconv.Itoa(int(api.Code))
	}
	return classified.Message()
}

func (l *operatorLog) admit(now time.Time, reason operatorReason) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last, ok := l.logged[reason]; ok && now.Sub(last) < operatorLogPeriod {
		return false
	}
	if l.logged == nil || len(l.logged) >= maxOperatorReasons {
		l.logged = map[operatorReason]time.Time{}
	}
	l.logged[reason] = now
	return true
}
