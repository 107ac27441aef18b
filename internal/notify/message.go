package notify

import (
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
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
{{- else if eq .Type "sweep.recovered" }}{{ .Recovered }} lost callbacks recovered
{{- else }}{{ .Type }}{{ end }}{{ end }}
{{- end -}}
{{- define "time" }}{{ .Format "` + timeLayout + `" }}{{ end -}}
{{- define "call" -}}
{{ with .Media }}{{ . }} {{ end }}{{ or .CallType "Call" }} of {{ .Caller }}{{ if .Others }} with {{ join .Others ", " }}{{ end }}{{ with .More }} and {{ . }} more{{ end }}{{ with .Result }}, {{ . }}{{ end }}
{{- if not .Ended.IsZero }} at {{ template "time" .Ended }}{{ end }}
{{- if .Unconfirmed }} (claimed by the callback, not confirmed by Tencent){{ end }}
{{- end -}}
{{- define "numbers" -}}
connected {{ .Connected }}, billed {{ .Billed }}, tariff {{ .Tariff }}
{{- end -}}
{{- define "correction" -}}
{{ .Reason }}{{ if .Operator }} ({{ .Operator }}){{ end }}
{{- end -}}
{{- define "sweep" -}}
{{ .Listed }} calls listed, {{ .Known }} known, {{ .Recovered }} recovered, {{ .Failed }} failed, of {{ template "time" .From }} to {{ template "time" .To }}
{{- end -}}
`
	defaultText = `{{ template "title" . }}
{{ if eq .Type "sweep.recovered" -}}
{{ template "sweep" . }}
{{- range .Examples }}
{{ . }}{{ end }}
{{- else if eq .Type "ledger.checkpoint" -}}
{{ .Checkpoint }}
{{- else -}}
{{ template "call" . }}
{{- if eq .Type "call.review" }}{{ range .Explanation }}
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
{{ if eq .Type "sweep.recovered" -}}
<p>{{ template "sweep" . }}</p>
{{ if .Examples }}<ul>{{ range .Examples }}<li>{{ . }}</li>{{ end }}</ul>{{ end }}
{{- else if eq .Type "ledger.checkpoint" -}}
<pre>{{ .Checkpoint }}</pre>
{{- else -}}
<p>{{ template "call" . }}</p>
{{ if ne .Type "call.review" }}<p>{{ template "numbers" . }}</p>{{ end }}
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
	return s.message("text", orDefault(o.Text, defaultText), o, escape, limit)
}

// orDefault is the configured text, or standard if there is none.
func orDefault(text, standard string) string {
	if strings.TrimSpace(text) == "" {
		return standard
	}
	return text
}

// message compiles the template of a key and tries it with every event that the
// target may be sent. limit is in bytes, 0 for none.
func (s *setup) message(key, text string, o TextOptions, escape func(string) string, limit int) *message {
	t, err := template.New(key).Funcs(templateFuncs).Parse(sharedTemplates)
	if err == nil {
		t, err = t.New(key).Parse(text)
	}
	m := &message{key: key, template: t, format: s.format(o, escape), limit: limit}
	s.try(m, err)
	return m
}

// html is message for html/template, which escapes by itself.
func (s *setup) html(key, text string, o TextOptions) *message {
	t, err := htmltemplate.New(key).Funcs(templateFuncs).Parse(sharedTemplates)
	if err == nil {
		t, err = t.New(key).Parse(text)
	}
	m := &message{key: key, template: t, format: s.format(o, plain)}
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
	var b page
	if err := m.template.Execute(&b, view); err != nil {
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
