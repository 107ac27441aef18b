package main

import (
	"context"

	"aftercall/dev/tencentsim"
	"aftercall/internal/tencent"
)

// codeThrottled is Tencent's answer to too many requests. D:68926
const codeThrottled tencent.Code = 60011

// tencentFaults are those of the record API.
func tencentFaults() []fault {
	return []fault{
		{"internal error", "record API", failingAPI(tencent.CodeInternal)},
		{"throttled", "record API", failingAPI(codeThrottled)},
	}
}

func failingAPI(code tencent.Code) begin {
	return func(_ context.Context, w *world) (end, error) {
		err := w.stack.Tencent.AddAPIFault(tencentsim.APIFault{Code: code})
		return func(context.Context) error { return w.stack.Tencent.ClearFaults() }, err
	}
}
