package keyring_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/keyring"
)

const (
	oldKey = "b2xkIGtleSBvbGQga2V5IG9sZCBrZXkgb2xkIGtleSE="
	newKey = "bmV3IGtleSBuZXcga2V5IG5ldyBrZXkgbmV3IGtleSE="
)

func parse(t *testing.T, text string) keyring.Keyring {
	t.Helper()
	k, err := keyring.Parse(text)
	require.NoError(t, err)
	return k
}

func TestRotation(t *testing.T) {
	before, after := parse(t, "old:"+oldKey), parse(t, "new:"+newKey+", old:"+oldKey)
	require.Equal(t, "old", before.Newest())
	require.Equal(t, "new", after.Newest())
	plain, associated := []byte("alice"), []byte("of call 1")
	for _, k := range []keyring.Keyring{before, after} {
		sealed := k.Seal(plain, associated)
		require.NotContains(t, string(sealed), "alice")
		require.NotEqual(t, sealed, k.Seal(plain, associated), "every nonce is different")
		opened, err := after.Open(k.Newest(), sealed, associated)
		require.NoError(t, err)
		require.Equal(t, plain, opened)
	}
	_, err := before.Open("new", after.Seal(plain, associated), associated)
	var unknown *keyring.UnknownKeyError
	require.ErrorAs(t, err, &unknown)
	require.Equal(t, "new", unknown.ID)
}

func TestOpenRejectsChanges(t *testing.T) {
	k := parse(t, "old:"+oldKey+",new:"+newKey)
	sealed := k.Seal([]byte("alice"), []byte("a"))
	for name, open := range map[string]func() ([]byte, error){
		"other associated data": func() ([]byte, error) { return k.Open("old", sealed, []byte("b")) },
		"other key":             func() ([]byte, error) { return k.Open("new", sealed, []byte("a")) },
		"cut":                   func() ([]byte, error) { return k.Open("old", sealed[:len(sealed)-1], []byte("a")) },
		"empty":                 func() ([]byte, error) { return k.Open("old", nil, []byte("a")) },
		"one bit": func() ([]byte, error) {
			changed := append([]byte(nil), sealed...)
			changed[len(changed)/2] ^= 1
			return k.Open("old", changed, []byte("a"))
		},
	} {
		_, err := open()
		require.Error(t, err, name)
	}
}

func TestBadKeys(t *testing.T) {
	for text, problem := range map[string]string{
		oldKey:                             "key 1 has no ID",
		":" + oldKey:                       "key 1 has no ID",
		"old:" + oldKey + ",":              "key 2 has no ID",
		"a b:" + oldKey:                    "key 1 has no ID",
		"old:" + oldKey + ",old:" + newKey: "key ID old occurs twice",
		"old:c2hvcnQ=":                     "key old is not the base64 of 32 bytes",
		"old:" + oldKey + "x":              "key old is not the base64 of 32 bytes",
	} {
		_, err := keyring.Parse(text)
		require.ErrorContains(t, err, problem, text)
		require.NotContains(t, err.Error(), strings.TrimRight(oldKey, "=")[:20])
	}
	none, err := keyring.Parse("")
	require.NoError(t, err)
	require.True(t, none.IsZero())
}

func TestPrintingShowsOnlyIDs(t *testing.T) {
	k := parse(t, "new:"+newKey+",old:"+oldKey)
	asJSON, err := json.Marshal(k)
	require.NoError(t, err)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "keys", k)
	for _, shown := range []string{string(asJSON), log.String(), fmt.Sprint(k), fmt.Sprintf("%+v", k), fmt.Sprintf("%#v", k), fmt.Sprintf("%x", k)} {
		require.Contains(t, shown, "new,old")
	}
}
