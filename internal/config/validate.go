package config

import (
	"fmt"
	"maps"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"aftercall/internal/billing"
	"aftercall/internal/dedupe"
	"aftercall/internal/tencent"
)

// maxRecordDeadline: Tencent deletes a record after seven days, so waiting
// longer is useless. D:68931
const maxRecordDeadline = 7 * 24 * time.Hour

// namePattern restricts names to what metric labels, URLs, workflow IDs and message IDs allow.
var namePattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// validator checks what decoding a single key cannot: limits, uniqueness and the
// names that refer to each other.
type validator struct {
	*decoder
	config *Config
	// known are the names of the apps, nil if one of them has a problem.
	known *names
}

func (v validator) validate() {
	if len(v.config.Apps) == 0 {
		v.report("apps", "must hold at least one app")
	}
	v.known = v.appNamesKnown()
	v.config.appCharges = v.config.allCharges()
	var appNames, targetNames []string
	var ids []tencent.SDKAppID
	for i, app := range v.config.Apps {
		appNames, ids = append(appNames, app.Name), append(ids, app.SDKAppID)
		v.app(fmt.Sprintf("apps[%d]", i), app)
	}
	for i, target := range v.config.Targets {
		targetNames = append(targetNames, target.Name)
		v.target(fmt.Sprintf("targets[%d]", i), target)
	}
	unique(v, "apps", "name", appNames)
	unique(v, "apps", "sdk_app_id", ids)
	unique(v, "targets", "name", targetNames)
	v.tariffs()
	if w := v.config.DedupeWindow; w < dedupe.MinWindow || w > dedupe.MaxWindow {
		v.report("dedupe_window", "must be from 1h to 192h, one day longer than Tencent keeps records; left out, it is 24h")
	}
	if v.config.Evidence != nil {
		v.evidence("evidence", *v.config.Evidence)
	}
}

func (v validator) app(path string, app App) {
	v.name(path+".name", app.Name)
	if app.SDKAppID == 0 {
		v.report(path+".sdk_app_id", "must be the app's SDKAppID, not 0")
	}
	v.credential(path+".secret_key", app.SecretKey)
	if app.Identifier == "" || hasControlOrSpace(app.Identifier) {
		v.report(path+".identifier", "must be an account name without spaces and control characters, or left out for administrator")
	}
	v.api(path+".api", app.API)
	v.callback(path+".callback", app.Callback)
	if app.RecordDeadline < time.Second || app.RecordDeadline > maxRecordDeadline {
		v.report(path+".record_deadline", "must be from 1s to 168h, the seven days that Tencent keeps records")
	}
	v.assignments(path+".tariff", app.Tariff)
	if v.has(path + ".payer") {
		v.payers(path, app)
	}
	v.choice(path+".without_record", "word", string(app.WithoutRecord), texts(billing.Unrecordeds))
	if app.WithoutRecord == billing.UnrecordedEvidence && !v.bad[path+".evidence"] && (!app.Evidence.Members || len(app.Evidence.AllRoomKeys()) == 0) {
		v.report(path+".without_record", "needs what callbacks and rooms say: set evidence.members: true and evidence.room_key, or write review or free")
	}
	v.sweep(path+".sweep", app.Sweep)
	if app.Relay != nil {
		v.relay(path+".relay", *app.Relay)
	}
	v.appEvidence(path+".evidence", app.Evidence)
	v.evidenceOfTariffs(path+".evidence", app)
}

func (v validator) baseURL(path, address string) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Hostname() == "" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "" ||
		(parsed.Scheme != "http" && parsed.Scheme != "https") {
		v.report(path, "must be an address such as https://calls.example.com, without user, query and fragment")
	}
}

// credential refuses an empty secret, and one that was not copied exactly.
func (v validator) credential(path string, secret Secret) {
	switch {
	case secret.IsZero():
		v.report(path, "is empty: copy it from the console")
	case hasControlOrSpace(secret.Reveal()):
		v.report(path, "holds a space or line break: copy it again, without")
	}
}

func (v validator) api(path, api string) {
	if _, preset := tencent.Regions[api]; preset {
		return
	}
	presets := slices.Sorted(maps.Keys(tencent.Regions))
	if !strings.ContainsAny(api, ":/@") { // else a mistyped URL, which can hold a password
		if _, fromVariable := v.sources[path]; fromVariable {
			v.report(path, "%s is neither a base URL nor one of %s", v.shown(path, api), strings.Join(presets, ", "))
			return
		}
		v.report(path, "%s; a base URL begins with https://", unknownName("region", api, presets))
		return
	}
	parsed, err := url.Parse(api)
	switch {
	case err != nil || parsed.Hostname() == "" || parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "":
		v.report(path, "must be a region or a base URL such as https://console.tim.qq.com, without user, query and fragment")
	case parsed.Scheme == "http" && !loopback(parsed.Hostname()):
		v.report(path, "must be https://, because requests carry administrator rights; http:// is for this machine only")
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		v.report(path, "must be https://")
	}
}

func (v validator) tariffs() {
	for _, name := range slices.Sorted(maps.Keys(v.config.Tariffs)) {
		path := child("tariffs", name)
		v.name(path, name)
		for _, problem := range v.config.Tariffs[name].Validate() {
			v.report(join(path, problem.Path), "%s", problem.Message)
		}
	}
}

func (v validator) name(path, name string) {
	if !namePattern.MatchString(name) {
		v.report(path, "the name must be 1 to 63 characters of a-z, 0-9 and hyphens, without a hyphen at its ends")
	}
}

// reference reports a name that is none of those known.
func (v validator) reference(path, what, name string, known []string) {
	if _, fromVariable := v.sources[path]; fromVariable {
		v.report(path, "%s is not the name of a known %s", v.shown(path, name), what)
		return
	}
	// A name that a variable gives is not suggested, but the variable is named.
	printable := make([]string, len(known))
	for i, k := range known {
		printable[i] = k
		if source, fromVariable := v.values[k]; fromVariable {
			printable[i] = source
		}
	}
	v.report(path, "%s", unknownName(what, name, printable))
}

// unique reports the second of two equal values in a list.
func unique[T comparable](v validator, list, key string, values []T) {
	var zero T
	firsts := make(map[T]int, len(values))
	for i, value := range values {
		first, known := firsts[value]
		if !known {
			firsts[value] = i
		}
		if !known || value == zero {
			continue
		}
		at := fmt.Sprintf("%s[%d].%s", list, i, key)
		v.report(at, "is the same as in %s[%d], line %d: give each its own", list, first,
			v.place(fmt.Sprintf("%s[%d].%s", list, first, key)).Line)
	}
}

// join appends a relative path, which may be empty or begin with an index.
func join(path, relative string) string {
	if relative == "" || strings.HasPrefix(relative, "[") {
		return path + relative
	}
	return path + "." + relative
}

func hasControlOrSpace(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) })
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func trimSlash(s string) string { return strings.TrimRight(s, "/") }
