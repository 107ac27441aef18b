package tencent

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"time"
)

// MaxSignAge is how far RequestTime may be from the receiver's clock, either way.
const MaxSignAge = 60 * time.Second

// CallbackSign computes Sign from the app's token and RequestTime (Unix
// seconds, as text). It covers neither path nor body, so it proves only that
// the sender knows the token.
func CallbackSign(token, requestTime string) string {
	sum := sha256.Sum256([]byte(token + requestTime))
	return hex.EncodeToString(sum[:])
}

// VerifyCallbackSign checks Sign and RequestTime of a callback's query. It is
// documented for Chat callbacks and inferred for Call. Every error is a *FieldError.
func VerifyCallbackSign(query Query, token string, now time.Time) error {
	sign, requestTime := query.sign, query.requestTime
	if sign == "" {
		return &FieldError{"Sign", "missing from the query, although a token is configured for this app"}
	}
	at, err := strconv.ParseInt(requestTime, 10, 64)
	if err != nil {
		return &FieldError{"RequestTime", "must be Unix seconds"}
	}
	if subtle.ConstantTimeCompare([]byte(sign), []byte(CallbackSign(token, requestTime))) != 1 {
		return &FieldError{"Sign", "is wrong for the configured token"}
	}
	if age := now.Sub(time.Unix(at, 0)); age > MaxSignAge || age < -MaxSignAge {
		return &FieldError{"RequestTime", "is more than 60 seconds off: check the clocks"}
	}
	return nil
}
