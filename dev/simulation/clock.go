package simulation

import (
	"database/sql/driver"
	"sync"
	"time"

	"modernc.org/sqlite"
)

// useSimulatedClock lets SQLite ask Go for the time, which is that of the bubble: its
// own clock is that of the machine. It is for all databases that are opened from now on.
var useSimulatedClock = sync.OnceFunc(func() {
	sqlite.MustRegisterScalarFunction("unixepoch", 1, func(*sqlite.FunctionContext, []driver.Value) (driver.Value, error) {
		return float64(time.Now().UnixMilli()) / 1000, nil
	})
})
