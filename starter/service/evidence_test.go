package service

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"aftercall/internal/evidence"
	"aftercall/internal/tencent"
	"aftercall/internal/testenv/testconfig"
)

const entered = `{"EventGroupId":1,"EventType":103,"EventInfo":{"RoomId":12345,"EventMsTs":1687770731831,"UserId":"test"}}`

// TestEvidenceOfAStarter has one that keeps evidence, and one that does not: that one
// opens no database, and has no path for rooms.
func TestEvidenceOfAStarter(t *testing.T) {
	t.Parallel()
	web := &http.Client{Timeout: 30 * time.Second}
	for name, keeps := range map[string]bool{"on": true, "off": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, ledgerFile := filepath.Join(t.TempDir(), "aftercall.yaml"), filepath.Join(t.TempDir(), "ledger.db")
			settings := testconfig.New()
			if keeps {
				settings.Apps[0]["evidence"] = testconfig.Map{"room_key": "ARoomKeyOfTheConsole"}
			}
			require.NoError(t, settings.Write(file))
			public := address(t)
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				ended <- run(ctx, map[string]string{
					"AFTERCALL_CONFIG": file, "AFTERCALL_LISTEN": public, "AFTERCALL_ADMIN_LISTEN": address(t), "AFTERCALL_DRAIN": "0s",
					"LEDGER_URL": "sqlite:" + ledgerFile, "REDIS_URL": "redis://127.0.0.1:1", "TEMPORAL_ADDRESS": "127.0.0.1:1",
				}, io.Discard, prometheus.NewRegistry())
			}()
			want := map[bool]int{true: http.StatusOK, false: http.StatusNotFound}[keeps]
			require.Eventually(t, func() bool {
				request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+public+"/tencent/rtc/a-callback-path-secret", strings.NewReader(entered))
				require.NoError(t, err)
				request.Header.Set("SdkAppId", "1400000000")
				request.Header.Set("Sign", tencent.RoomSign("ARoomKeyOfTheConsole", []byte(entered)))
				resp, err := web.Do(request)
				return err == nil && resp.Body.Close() == nil && resp.StatusCode == want
			}, 30*time.Second, 10*time.Millisecond)
			stop()
			require.NoError(t, <-ended)
			if !keeps {
				_, err := os.Stat(ledgerFile)
				require.ErrorIs(t, err, os.ErrNotExist)
				return
			}
			store, err := evidence.OpenReadOnly(t.Context(), "sqlite:"+ledgerFile)
			require.NoError(t, err)
			defer store.Close()
			kept, err := store.OfCall(t.Context(), evidence.Call{
				SDKAppID: 1400000000, RoomID: "12345", RoomIDType: 1, From: time.UnixMilli(1687770731831), To: time.UnixMilli(1687770731832),
			})
			require.NoError(t, err)
			require.Len(t, kept, 1)
		})
	}
}
