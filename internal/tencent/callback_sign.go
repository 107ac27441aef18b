package tencent

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strconv"
	"time"
)

// MaxSignAge is how far RequestTime may be before or after the receiver's clock.
const MaxSignAge = 60 * time.Second

// CallbackSign computes Sign from the app's token and RequestTime, which is Unix
// seconds in decimal. It proves that the sender knows the token, but does not
// protect the path or the body.
func CallbackSign(token, requestTime string) string {
	sum := sha256.Sum256([]byte(token + requestTime))
	return hex.EncodeToString(sum[:])
}

// VerifyCallbackSign checks Sign and RequestTime of a callback, and returns the
// index of the token that signed it. Comparing takes the same time for each of
// them. Tencent documents the signature for Chat; that Call sends it too is
// inferred. Every error is a *FieldError.
func VerifyCallbackSign(query Query, tokens []string, now time.Time) (signer int, err error) {
	sign, requestTime := query.sign, query.requestTime
	if query.conflicts(&query.sign) {
		return 0, &FieldError{"Sign", differentValues}
	}
	if query.conflicts(&query.requestTime) {
		return 0, &FieldError{"RequestTime", differentValues}
	}
	if sign == "" {
		return 0, &FieldError{"Sign", "missing from the query, although a token is configured for this app"}
	}
	at, err := strconv.ParseInt(requestTime, 10, 64)
	if err != nil {
		return 0, &FieldError{"RequestTime", "must be Unix seconds"}
	}
	signer = -1
	for i, token := range tokens {
		matches := subtle.ConstantTimeCompare([]byte(sign), []byte(CallbackSign(token, requestTime)))
		signer = subtle.ConstantTimeSelect(matches, i, signer)
	}
	if signer < 0 {
		return 0, &FieldError{"Sign", "does not match the configured token"}
	}
	if age := now.Sub(time.Unix(at, 0)); age > MaxSignAge || age < -MaxSignAge {
		return 0, &FieldError{"RequestTime", "differs from this clock by more than 60 seconds: check the clocks"}
	}
	return signer, nil
}
