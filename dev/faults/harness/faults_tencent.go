package main

import (
	"context"
	"net/http"

	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

// The codes that Tencent answers. D:68926
const (
	codeThrottled    tencent.Code = 60011
	codeArrears      tencent.Code = 60017
	codeWrongUserSig tencent.Code = 70009
)

// tencentFaults are those of the record API.
func tencentFaults() []fault {
	const part = "record API"
	return []fault{
		{"internal error", part, failingAPI(tencentsim.APIFault{Code: tencent.CodeInternal})},
		{"throttled", part, failingAPI(tencentsim.APIFault{Code: codeThrottled})},
		{"wrong UserSig", part, failingAPI(tencentsim.APIFault{Code: codeWrongUserSig})},
		{"arrears", part, failingAPI(tencentsim.APIFault{Code: codeArrears})},
		{"HTML", part, failingAPI(tencentsim.APIFault{Status: http.StatusOK})},
		{"503 with HTML", part, failingAPI(tencentsim.APIFault{Status: http.StatusServiceUnavailable})},
		{"truncated answer", part, failingAPI(tencentsim.APIFault{Cut: true})},
		{"3 s late", part, failingAPI(tencentsim.APIFault{DelayMS: 3_000})},
		{"no answer within the timeout", part, failingAPI(tencentsim.APIFault{DelayMS: 60_000})},
	}
}

func failingAPI(f tencentsim.APIFault) begin {
	return func(ctx context.Context, w *world) (end, error) {
		err := w.showsCount(ctx, "requests", func(context.Context) (n int, err error) {
			for _, api := range w.stack.Tencent.Stats().APIs {
				n += api.Requests
			}
			return n, nil
		})
		if err != nil {
			return nil, err
		}
		err = w.stack.Tencent.AddAPIFault(f)
		return func(context.Context) error { return w.stack.Tencent.ClearFaults() }, err
	}
}
