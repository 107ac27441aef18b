package notify

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode/utf8"
)

// timeLayout is how times are written in default texts.
const timeLayout = "2006-01-02 15:04:05 MST"

// Templates that others may use, and the default texts.
const (
	sharedTemplates = `
{{- define "title" -}}
{{ if eq .Type "ledger.checkpoint" }}Checkpoint of the ledger {{ .Origin }}, {{ .Entries }} entries
{{- else }}{{ .App }}: {{ if eq .Type "call.charged" }}{{ .Amount }} charged
{{- else if eq .Type "call.free" }}nothing to charge
{{- else if eq .Type "call.review" }}a call waits for review
{{- else if eq .Type "call.reversed" }}charge reversed, {{ .Amount }}
{{- else if eq .Type "call.adjusted" }}{{ if .Reverses }}adjustment reversed{{ else }}charge adjusted{{ end }}, {{ .Amount }}
{{- else if eq .Type "review.burst" }}{{ .Reviews }} more calls wait for review
{{- else if eq .Type "sweep.recovered" }}{{ .Recovered }} lost callbacks recovered
{{- else }}{{ .Type }}{{ end }}{{ end }}
{{- end -}}
{{- define "time" }}{{ .Format "` + timeLayout + `" }}{{ end -}}
{{- define "call" -}}
{{ with .Media }}{{ . }} {{ end }}{{ or .CallType "Call" }} of {{ .Caller }}{{ if .Others }} with {{ join .Others ", " }}{{ end }}{{ with .More }} and {{ . }} more{{ end }}{{ with .Result }}, {{ . }}{{ end }}
{{- if not .Ended.IsZero }} at {{ template "time" .Ended }}{{ end }}
{{- if .Unconfirmed }} (claimed by callbacks, not confirmed by Tencent){{ end }}
{{- end -}}
{{- define "numbers" -}}
connected {{ .Connected }}, billed {{ .Billed }}, tariff {{ .Tariff }}{{ if and .Payer (ne .Payer .Caller) }}, paid by {{ .Payer }}{{ end }}
{{- end -}}
{{- define "correction" -}}
{{ .Reason }}{{ if .Operator }} ({{ .Operator }}){{ end }}
{{- end -}}
{{- define "burst" -}}
Tencent has no record of them. Since {{ template "time" .From }}, until {{ template "time" .To }}; all are in: aftercall review list
{{- end -}}
{{- define "sweep" -}}
{{ .Listed }} calls listed, {{ .Known }} known, {{ .Recovered }} recovered, {{ .Failed }} failed, of {{ template "time" .From }} to {{ template "time" .To }}
{{- end -}}
`
	defaultText = `{{ template "title" . }}
{{ if eq .Type "review.burst" -}}
{{ template "burst" . }}
{{- range .Examples }}
{{ . }}{{ end }}
To decide about all: {{ .Command }}
{{- else if eq .Type "sweep.recovered" -}}
{{ template "sweep" . }}
{{- range .Examples }}
{{ . }}{{ end }}
{{- else if eq .Type "ledger.checkpoint" -}}
{{ .Checkpoint }}
{{- else -}}
{{ template "call" . }}
{{- if or (eq .Type "call.review") (eq .Type "call.adjusted") }}{{ range .Explanation }}
{{ . }}{{ end }}{{ else }}
{{ template "numbers" . }}{{ end }}
{{- if .Reason }}
{{ template "correction" . }}{{ end }}
CallId {{ .CallID }}
{{- end }}`
	defaultSubject = `{{ template "title" . }}`
	defaultHTML    = `<!doctype html>
<html><body style="font-family: sans-serif">
<h3>{{ template "title" . }}</h3>
{{ if eq .Type "review.burst" -}}
<p>{{ template "burst" . }}</p>
<ul>{{ range .Examples }}<li>{{ . }}</li>{{ end }}</ul>
<p>To decide about all: <code>{{ .Command }}</code></p>
{{- else if eq .Type "sweep.recovered" -}}
<p>{{ template "sweep" . }}</p>
{{ if .Examples }}<ul>{{ range .Examples }}<li>{{ . }}</li>{{ end }}</ul>{{ end }}
{{- else if eq .Type "ledger.checkpoint" -}}
<pre>{{ .Checkpoint }}</pre>
{{- else -}}
<p>{{ template "call" . }}</p>
{{ if not (or (eq .Type "call.review") (eq .Type "call.adjusted")) }}<p>{{ template "numbers" . }}</p>{{ end }}
{{ if .Reason }}<p>{{ template "correction" . }}</p>{{ end }}
{{ if .Explanation }}<ul>{{ range .Explanation }}<li>{{ . }}</li>{{ end }}</ul>{{ end }}
<p><small>CallId {{ .CallID }}</small></p>
{{- end }}
</body></html>`
)

var templateFuncs = map[string]any{
	"join":       strings.Join,
	"trimPrefix": func(prefix, s string) string { return strings.TrimPrefix(s, prefix) },
}

// executer is a template of text/template or html/template.
type executer interface {
	Execute(w io.Writer, data any) error
}

// message is one text of a target.
type message struct {
	key      string
	template executer
	// standard, if set, is the default text, for events that template is not for.
	standard executer
	format   format
	// limit is in bytes; 0 for none.
	limit int
}

// maxText bounds the output of a template: nobody would read more.
const maxText = 1 << 20

// templateTime is how long all samples of a template may take together.
const templateTime = 5 * time.Second

// page is the output of a template, up to maxText.
type page struct{ strings.Builder }

// Write implements io.Writer.
func (p *page) Write(text []byte) (int, error) {
	if p.Len()+len(text) > maxText {
		return 0, errors.New("writes more than 1 MiB")
	}
	return p.Builder.Write(text)
}

// text returns the message of the key text, or the default one.
func (s *setup) text(o TextOptions, escape func(string) string, limit int) *message {
	return s.message("text", o.Text, defaultText, o, escape, limit)
}

// message compiles the template of a key, which is standard if the configuration has
// no text, and tries it with every event that the target may be sent. limit is in
// bytes, 0 for none.
func (s *setup) message(key, text, standard string, o TextOptions, escape func(string) string, limit int) *message {
	parse := func(text string) (executer, error) {
		t, err := template.New(key).Funcs(templateFuncs).Parse(sharedTemplates)
		if err != nil {
			return nil, err
		}
		return t.New(key).Parse(text)
	}
	return s.compile(&message{key: key, format: s.format(o, escape), limit: limit}, text, standard, parse)
}

// html is message for html/template, which escapes by itself.
func (s *setup) html(text string, o TextOptions) *message {
	const key = "html"
	parse := func(text string) (executer, error) {
		t, err := htmltemplate.New(key).Funcs(templateFuncs).Parse(sharedTemplates)
		if err != nil {
			return nil, err
		}
		return t.New(key).Parse(text)
	}
	return s.compile(&message{key: key, format: s.format(o, plain)}, text, defaultHTML, parse)
}

// compile sets the templates of a message. A text that was written for single reviews
// is not used for bursts of them, unless the target names that event.
func (s *setup) compile(m *message, text, standard string, parse func(string) (executer, error)) *message {
	configured := strings.TrimSpace(text) != ""
	if !configured {
		text = standard
	}
	var err error
	if m.template, err = parse(text); err == nil && configured && standard != "" && !slices.Contains(s.events, EventReviewBurst) {
		m.standard, err = parse(standard)
	}
	s.try(m, err)
	return m
}

// try reports a template that does not compile, err, or fails for a sample.
func (s *setup) try(m *message, err error) {
	if err != nil {
		s.report(m.key, "is not a template: %s", templateCause(err))
		return
	}
	limit := s.templateTime
	if limit == 0 {
		limit = templateTime
	}
	tried := make(chan string, 1)
	go func() { tried <- m.problem(s.events) }()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case problem := <-tried:
		if problem != "" {
			s.report(m.key, "%s", problem)
		}
	case <-timer.C:
		// A template cannot be stopped. The process ends because of this problem.
		s.report(m.key, "takes more than %s: a message is written in milliseconds, so leave its loops out", limit)
	}
}

// problem says what is wrong with the texts of some kinds of event, if anything is.
func (m *message) problem(events []EventType) string {
	for _, sample := range Samples() {
		if !chooses(events, sample.Type) {
			continue
		}
		text, err := m.execute(sample)
		switch {
		case err != nil:
			return fmt.Sprintf("fails for the event %s: %s", sample.Type, templateCause(err))
		case text == "":
			return fmt.Sprintf("gives nothing for the event %s: write something for it, or choose other events", sample.Type)
		}
	}
	return ""
}

// templateCause strips prefixes that repeat what the problem says.
func templateCause(err error) string {
	return strings.TrimPrefix(strings.TrimPrefix(err.Error(), "template: "), "html/template:")
}

// render writes the text for an event, at most as long as the channel accepts and
// never empty, which no channel accepts.
func (m *message) render(e Event) (string, error) {
	text, err := m.execute(e)
	if err == nil && text == "" {
		err = &DeliveryError{Reason: m.key + " gives nothing for this event", Class: Permanent}
	}
	return text, err
}

func (m *message) execute(e Event) (string, error) {
	if e.Test != nil {
		return cut(e.Test.Message, m.limit), nil
	}
	view, err := m.format.view(e)
	if err != nil {
		return "", err
	}
	used := m.template
	if e.Burst != nil && m.standard != nil {
		used = m.standard
	}
	var b page
	if err := used.Execute(&b, view); err != nil {
		return "", err
	}
	return cut(strings.TrimSpace(b.String()), m.limit), nil
}

// cutMark is the end of a text that was cut.
const cutMark = "…"

// cut shortens s to limit bytes, at the end of a character.
func cut(s string, limit int) string {
	if limit == 0 || len(s) <= limit {
		return s
	}
	end := max(limit-len(cutMark), 0)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + cutMark
}
