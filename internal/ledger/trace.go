package ledger

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strings"

	"github.com/XSAM/otelsql"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// openDB is sql.Open. Unless traces is nil, statements become spans of it, with
// system as their db.system.name.
func openDB(driverName, source, system string, traces trace.TracerProvider) (*sql.DB, error) {
	if traces == nil {
		return sql.Open(driverName, source)
	}
	return otelsql.Open(driverName, source, spanOptions(traces, system)...)
}

// connectDB is openDB for a connector.
func connectDB(c driver.Connector, system string, traces trace.TracerProvider) *sql.DB {
	if traces == nil {
		return sql.OpenDB(c)
	}
	return otelsql.OpenDB(c, spanOptions(traces, system)...)
}

// spanOptions name spans by statement. The statements have no values in them.
func spanOptions(traces trace.TracerProvider, system string) []otelsql.Option {
	return []otelsql.Option{
		otelsql.WithTracerProvider(traces),
		otelsql.WithAttributes(attribute.String("db.system.name", system)),
		otelsql.WithSpanNameFormatter(func(_ context.Context, method otelsql.Method, query string) string {
			verb, _, found := strings.Cut(query, " ")
			if !found {
				return "ledger " + string(method)
			}
			return "ledger " + verb
		}),
		otelsql.WithSpanOptions(otelsql.SpanOptions{
			DisableErrSkip: true, OmitConnResetSession: true, OmitConnPrepare: true, OmitConnectorConnect: true, OmitRows: true,
		}),
	}
}
