package dedupe

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"aftercall/internal/redisguard"
	"aftercall/internal/tencent"
)

// A call is remembered as a field of a hash, a bucket. Redis keeps a hash that is
// not large as one compact block, in which a call takes 36 bytes; a key of its own
// would take 130 to 230, whatever it is named. Fields have no expiry of their own
// before Redis 7.4, so each period of time has its buckets, and these expire.
const (
	// Period is how long calls go into the same buckets. A bucket expires as a whole,
	// so a call is remembered for up to this long after the window is over.
	Period = 8 * time.Hour
	// bucketsOfPeriod are those of an app. Redis keeps up to 512 calls in a bucket compact
	// (hash-max-listpack-entries), which are 145 calls a second, more than Tencent's limits
	// permit for long. Of more calls, each takes 110 bytes.
	bucketsOfPeriod = 1 << 13
)

// The windows that can be configured: for how long a call is remembered at least.
const (
	// DefaultWindow is many times as long as senders repeat callbacks: an older
	// generation of Tencent's product does it for about 12 s.
	DefaultWindow = 24 * time.Hour
	// MinWindow saves Temporal the callbacks that are repeated at once, and after an
	// outage of the starters.
	MinWindow = time.Hour
	// MaxWindow is one day longer than Tencent's API lists the record of a call. After
	// that there is nothing to charge a forgotten call by.
	MaxWindow = 8 * 24 * time.Hour
)

// place is where a call is in Redis.
type place struct {
	// keys are all that may have the call: that of its claim, and of its buckets, the
	// latest first.
	keys []string
	// field is the call's in each bucket: 16 bytes of a hash of its CallId, so that
	// all take the same, little memory. Another CallId has the same field by
	// chance once in 2^128, and who wants one needs as many attempts. Its callback would
	// be taken for a duplicate; the sweep, which does not ask Redis, charges it.
	field string
	// expiry is that of the latest bucket.
	expiry time.Duration
}

const fieldBytes = 16

// placeOf locates a call that was remembered within window before now.
func placeOf(now time.Time, window time.Duration, app tencent.SDKAppID, callID string) place {
	hash := sha256.Sum256(append(make([]byte, 0, 128), callID...))
	bucket := binary.BigEndian.Uint16(hash[fieldBytes:]) % bucketsOfPeriod
	// A process whose clock is wrong by hours does not find what others have remembered,
	// and asks Temporal.
	latest := now.Unix() / int64(Period/time.Second)
	buckets := 1 + int((window+Period-1)/Period)

	// Every callback needs all of this, so all is a part of one string.
	text, ends := make([]byte, 0, 512), make([]int, 0, 8)
	text = appendClaimKey(text, app, callID)
	for i := range buckets {
		ends = append(ends, len(text))
		text = append(text, redisguard.KeyPrefix+"known:"...)
		text = strconv.AppendUint(text, uint64(app), 10)
		text = append(text, ':')
		text = strconv.AppendUint(text, uint64(bucket), 10)
		text = append(text, ':')
		text = strconv.AppendInt(text, latest-int64(i), 10)
	}
	ends = append(ends, len(text))
	whole, from := string(append(text, hash[:fieldBytes]...)), 0
	p := place{keys: make([]string, len(ends)), expiry: time.Unix((latest+1)*int64(Period/time.Second), 0).Sub(now) + window}
	for i, end := range ends {
		p.keys[i], from = whole[from:end], end
	}
	p.field = whole[from:]
	return p
}

// ClaimKey is the key of the claim of a call. An SDKAppID consists of digits, so no
// two calls share a key, whatever their CallIds contain.
func ClaimKey(app tencent.SDKAppID, callID string) string {
	return string(appendClaimKey(nil, app, callID))
}

func appendClaimKey(b []byte, app tencent.SDKAppID, callID string) []byte {
	b = append(b, redisguard.KeyPrefix+"call:"...)
	b = strconv.AppendUint(b, uint64(app), 10)
	b = append(b, ':')
	return append(b, callID...)
}

// anywhere locates a call whatever window the starters have, and if their clocks are ahead.
func anywhere(now time.Time, app tencent.SDKAppID, callID string) place {
	return placeOf(now.Add(Period), MaxWindow+Period, app, callID)
}
