// Package tracereceiver is a collector of OpenTelemetry traces for tests and for
// the documentation: it takes OTLP over HTTP and keeps everything in memory.
package tracereceiver

import (
	"cmp"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a part of a trace.
type Span struct {
	TraceID, ID, Parent string
	// Service is the process that recorded it.
	Service, Name string
	Start, End    time.Time
	Attributes    map[string]string
	Failed        bool
}

// Receiver stores the spans that are posted to it. The zero value is ready to use.
type Receiver struct {
	mu     sync.Mutex
	spans  []Span
	bodies []byte
}

// ServeHTTP receives an ExportTraceServiceRequest.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	var export collectorpb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &export)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = append(r.bodies, body...)
	for _, resource := range export.GetResourceSpans() {
		service := texts(resource.GetResource().GetAttributes())["service.name"]
		for _, scope := range resource.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				r.spans = append(r.spans, Span{
					TraceID: hex.EncodeToString(s.GetTraceId()), ID: hex.EncodeToString(s.GetSpanId()),
					Parent: hex.EncodeToString(s.GetParentSpanId()), Service: service, Name: s.GetName(),
					Start: unixTime(s.GetStartTimeUnixNano()), End: unixTime(s.GetEndTimeUnixNano()),
					Attributes: texts(s.GetAttributes()), Failed: s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR,
				})
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// Spans returns the received spans whose attribute has the value, ordered by start.
func (r *Receiver) Spans(attribute, value string) []Span {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []Span
	for _, s := range r.spans {
		if s.Attributes[attribute] == value {
			found = append(found, s)
		}
	}
	slices.SortStableFunc(found, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return found
}

// Received returns all request bodies, undecoded.
func (r *Receiver) Received() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.bodies)
}

func texts(attributes []*commonpb.KeyValue) map[string]string {
	all := make(map[string]string, len(attributes))
	for _, a := range attributes {
		all[a.GetKey()] = a.GetValue().GetStringValue()
	}
	return all
}

func unixTime(unixNano uint64) time.Time { return time.Unix(0, int64(unixNano)) }

// Node is a span with its depth in the tree.
type Node struct {
	Span
	Depth int
}

// Tree orders spans so that each follows its parent, siblings by start. A span
// whose parent is not among them is at the top.
func Tree(spans []Span) []Node {
	known := map[string]bool{}
	for _, s := range spans {
		known[s.ID] = true
	}
	children := map[string][]Span{}
	for _, s := range spans {
		parent := s.Parent
		if !known[parent] {
			parent = ""
		}
		children[parent] = append(children[parent], s)
	}
	var nodes []Node
	var add func(parent string, depth int)
	add = func(parent string, depth int) {
		below := children[parent]
		slices.SortStableFunc(below, func(a, b Span) int {
			return cmp.Or(a.Start.Compare(b.Start), b.End.Compare(a.End))
		})
		for _, s := range below {
			nodes = append(nodes, Node{Span: s, Depth: depth})
			add(s.ID, depth+1)
		}
	}
	add("", 0)
	return nodes
}
