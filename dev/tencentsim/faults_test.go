package tencentsim

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"aftercall/internal/tencent"
)

func TestAPIFaults(t *testing.T) {
	const ok = 100301 // what get_callback answers when nothing is wrong
	tests := map[string]struct {
		fault APIFault
		codes []int // of get_callback, one request after the other
		other int   // of get_call_info
	}{
		"code until cleared": {APIFault{Code: 101001}, []int{101001, 101001, 101001}, 101001},
		"code for two":       {APIFault{Code: 60018, Times: 2}, []int{60018, 60018, ok}, 101004},
		"undocumented code":  {APIFault{Code: 123456, Times: 1}, []int{123456, ok}, 101004},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			require.NoError(t, r.sim.AddAPIFault(tt.fault))
			for i, code := range tt.codes {
				require.Equal(t, code, r.post(pathGet, "{}").ErrorCode, i)
			}
			require.Equal(t, tt.other, r.post(pathInfo, ask("x")).ErrorCode)
			require.NoError(t, r.sim.ClearFaults())
			require.Equal(t, ok, r.post(pathGet, "{}").ErrorCode)
		})
	}
}

// TestAnswersThatAreNotDocumented: the product's client must take each for a fault
// that another attempt can cure.
func TestAnswersThatAreNotDocumented(t *testing.T) {
	for name, fault := range map[string]APIFault{
		"a page":               {Status: 200},
		"the page of a proxy":  {Status: 502},
		"half of the answer":   {Cut: true},
		"none within the time": {DelayMS: 3_600_000},
	} {
		t.Run(name, func(t *testing.T) {
			r := newFixture(t)
			r.place(CallSpec{CallID: "call", EndedAgoSeconds: 9, RecordFault: &fault})
			client := tencent.NewClient(tencent.ClientOptions{
				SDKAppID: testApp, BaseURL: r.url, Identifier: DefaultAdministrator, SecretKey: testKey, HTTP: r.client, Now: r.wall.now,
			})
			ctx := t.Context()
			if fault.DelayMS > 0 {
				var giveUp context.CancelFunc
				ctx, giveUp = context.WithTimeout(ctx, 50*time.Millisecond)
				defer giveUp()
			}
			_, err := client.Record(ctx, "call")
			require.Error(t, err)
			require.NotErrorAs(t, err, new(*tencent.APIError))
			require.NotErrorAs(t, err, new(*tencent.UnreadableRecordError))
			r.sim.calls[callKey{testApp, "call"}].recordFault = nil
			record, err := client.Record(t.Context(), "call")
			require.NoError(t, err)
			require.Equal(t, "call", record.CallID)
		})
	}
}

// TestEveryDocumentedCode is returned as configured, with HTTP status 200.
func TestEveryDocumentedCode(t *testing.T) {
	r := newFixture(t)
	for _, code := range []tencent.Code{
		100001, 100002, 100301, 101001, 101002, 101004, 101050, 60002, 60003, 60004, 60005, 60006, 60007, 60008, 60009, 60010,
		60011, 60012, 60013, 60014, 60015, 60016, 60017, 60018, 60019, 60020, 60021, 60025, 60026, 60027, 60028, 70001, 70003,
		70009, 70013, 70014, 70016, 70020, 70050, 70169, 70500,
	} {
		require.NoError(t, r.sim.AddAPIFault(APIFault{Code: code, Times: 1, Info: "configured"}))
		a := r.post(pathByID, ask("x"))
		require.Equal(t, int(code), a.ErrorCode)
		require.Equal(t, "configured", a.ErrorInfo)
		require.Equal(t, 1, r.sim.Stats().API(testApp, APIRecordByCallID).Codes[code])
	}
	require.Empty(t, r.sim.Faults().APIs, "used up")
}

// TestFaultsNeedAValidRequest makes sure that refused requests do not use up a fault.
func TestFaultsNeedAValidRequest(t *testing.T) {
	r := newFixture(t)
	require.NoError(t, r.sim.AddAPIFault(APIFault{Code: 101001, Times: 1}))
	q := query(testApp, testKey)
	q.Del("usersig")
	require.Equal(t, 70003, r.do(http.MethodPost, pathGet, q, "{}").ErrorCode)
	require.Equal(t, 101001, r.post(pathGet, "{}").ErrorCode)
}

func TestRecordFaultOfOneCall(t *testing.T) {
	r := newFixture(t)
	r.place(CallSpec{CallID: "failing", EndedAgoSeconds: 9, RecordFault: &APIFault{Code: 101001, Times: 2}})
	r.place(CallSpec{CallID: "working", EndedAgoSeconds: 9})
	require.Equal(t, 101001, r.post(pathByID, ask("failing")).ErrorCode)
	require.Zero(t, r.post(pathByID, ask("working")).ErrorCode)
	require.Zero(t, r.do(http.MethodPost, pathByFilter, query(testApp, testKey), fmt.Sprintf(`{"EndTime":%d}`, testEpoch)).ErrorCode)
	require.Equal(t, 101001, r.post(pathByID, ask("failing")).ErrorCode)
	require.Zero(t, r.post(pathByID, ask("failing")).ErrorCode)
}

func TestFaultsAreChecked(t *testing.T) {
	r := newFixture(t)
	for want, f := range map[string]Faults{
		"loss_share":                       {LossShare: 1.01},
		"apis[1].times":                    {APIs: []APIFault{{Code: 1}, {Code: 1, Times: -1}}},
		"apis[0].code":                     {APIs: []APIFault{{Code: 0}}},
		"apis[0].status":                   {APIs: []APIFault{{Status: 99}}},
		"apis[0].delay_ms":                 {APIs: []APIFault{{DelayMS: -1}}},
		"only one of code, status and cut": {APIs: []APIFault{{Code: 101001, Cut: true}}},
	} {
		require.ErrorContains(t, r.sim.SetFaults(f), want)
	}
	require.ErrorContains(t, r.sim.AddAPIFault(APIFault{Code: -1}), "code")
	require.Zero(t, r.sim.Faults(), "invalid faults change nothing")
}

func TestDuplicates(t *testing.T) {
	for _, concurrent := range []bool{false, true} {
		t.Run(fmt.Sprintf("concurrent %t", concurrent), func(t *testing.T) {
			r := newFixture(t)
			var inside, most atomic.Int32
			all := make(chan struct{})
			b := r.receive(endCall, func(_ int, _ http.ResponseWriter, req *http.Request) {
				now := inside.Add(1)
				for m := most.Load(); now > m && !most.CompareAndSwap(m, now); m = most.Load() {
				}
				if now == 4 {
					close(all)
				}
				if concurrent {
					select { // every one waits until all are inside
					case <-all:
					case <-req.Context().Done():
					}
				}
				inside.Add(-1)
			})
			c := r.place(CallSpec{Duplicates: 3, Concurrent: concurrent})
			r.wait()
			require.Len(t, b.all(), 4)
			for _, got := range b.all() {
				require.Equal(t, b.all()[0], got)
			}
			want := int32(1)
			if concurrent {
				want = 4
			}
			require.Equal(t, want, most.Load())
			seen, _ := r.sim.Call(testApp, c.Record.CallID)
			numbers := []int{}
			for _, d := range seen.Callbacks {
				numbers = append(numbers, d.Number)
			}
			require.Equal(t, []int{1, 2, 3, 4}, numbers)
		})
	}
}

func TestBodyAndRecordDiffer(t *testing.T) {
	r := newFixture(t)
	b := r.receive(endCall, nil)
	r.place(CallSpec{
		CallID: "one", Seconds: 60, Duplicates: 2,
		Callback:      json.RawMessage(`{"AcceptTime":0,"CallResult":"NotAnswer","Extra":{"a":1}}`),
		LaterCallback: json.RawMessage(`{"EndTime":"late"}`),
	})
	r.wait()
	got := b.all()
	require.Len(t, got, 3)
	for _, c := range got {
		require.Contains(t, c.body, `"AcceptTime":0,"CallResult":"NotAnswer",`)
		require.Contains(t, c.body, `"RoomIdType":2,"Extra":{"a":1}}`)
	}
	require.Contains(t, got[0].body, `"EndTime":1800000000`)
	require.Contains(t, got[1].body, `"EndTime":"late"`)
	require.Contains(t, got[2].body, `"EndTime":"late"`)
	seen, _ := r.sim.Call(testApp, "one")
	require.Equal(t, tencent.ResultNormalEnd, seen.Record.Result, "the record is unchanged")
}

// TestInvalidRecord has the same fields in record and callback.
func TestInvalidRecord(t *testing.T) {
	r := newFixture(t)
	b := r.receive(endCall, nil)
	c := r.place(CallSpec{Seconds: 60, EndedAgoSeconds: 5, Record: json.RawMessage(`{"AcceptTime":1,"MediaType":"Hologram"}`)})
	r.wait()
	require.Contains(t, b.all()[0].body, `"MediaType":"Hologram"`)
	require.Contains(t, string(r.post(pathByID, ask(c.Record.CallID)).Response), `"AcceptTime":1,`)
}
