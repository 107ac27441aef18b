package config

import (
	"fmt"
	"regexp"
)

const (
	minCallbackSecret = 16
	// maxAtOnce is how many secrets or tokens there are while one replaces another.
	maxAtOnce = 2
)

var urlSafePattern = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)

// The highest limits of callbacks, above which they limit nothing.
const (
	maxPerSecond = 100_000
	maxBurst     = 1_000_000
)

// Callback is how the callbacks of an app prove that they come from Tencent.
type Callback struct {
	// Secret is the first of Secrets if these are configured.
	Secret  Secret   `yaml:"secret" doc:"Last path segment of the callback URL: 16 characters or more of A-Z a-z 0-9 . _ ~ - Either this or secrets is required."`
	Secrets []Secret `yaml:"secrets" doc:"In place of secret, while a new one replaces another: first the new one, which aftercall callback set registers, then the old one, which is still accepted."`
	BaseURL string   `yaml:"base_url" doc:"Public address of the starter, as in https://calls.example.com, to which aftercall callback set appends /tencent/call/<secret> when it registers the callback."`
	// Token is the first of Tokens if these are configured.
	Token  Secret   `yaml:"token" doc:"Authentication token of the callback, if one is set in the console; then Sign and RequestTime are checked."`
	Tokens []Secret `yaml:"tokens" doc:"In place of token, while a new one replaces another: first the new one, then the old one. Either is accepted."`

	PerSecond int `yaml:"per_second" default:"200" doc:"How many callbacks a second may start a workflow, on average, for all starters together: 1 to 100000. Others are answered 429. Tencent's API returns 200 records a second, so an app with more calls could not charge them."`
	Burst     int `yaml:"burst" default:"10000" doc:"How many may do so at once, as when many calls end together: 1 to 1000000, and not less than per_second."`
}

// AllSecrets are those whose callbacks are accepted, first the one to register.
func (c Callback) AllSecrets() []Secret { return orSingle(c.Secrets, c.Secret) }

// AllTokens are those whose signatures are accepted, none if no token is configured.
func (c Callback) AllTokens() []Secret { return orSingle(c.Tokens, c.Token) }

func orSingle(list []Secret, single Secret) []Secret {
	if len(list) == 0 && !single.IsZero() {
		return []Secret{single}
	}
	return list
}

// CallbackURL returns the URL to which Tencent should post: the app's public
// address, pathPrefix and the first secret. ok is false when no address is
// configured.
func (a *App) CallbackURL(pathPrefix string) (address string, ok bool) {
	return trimSlash(a.Callback.BaseURL) + pathPrefix + a.Callback.Secret.Reveal(), a.Callback.BaseURL != ""
}

func (v validator) callback(path string, callback Callback) {
	v.either(path, "secret", callback.Secret, callback.Secrets, v.callbackSecret)
	v.either(path, "token", callback.Token, callback.Tokens, v.credential)
	if !v.has(path+".secret") && !v.has(path+".secrets") {
		v.report(path+".secret", "is missing: it is the last path segment of the callback URL; make one with: openssl rand -hex 24")
	}
	if v.has(path + ".base_url") {
		v.baseURL(path+".base_url", callback.BaseURL)
	}
	if callback.PerSecond < 1 || callback.PerSecond > maxPerSecond {
		v.report(path+".per_second", "must be from 1 to %d", maxPerSecond)
	}
	if callback.Burst < max(callback.PerSecond, 1) || callback.Burst > maxBurst {
		v.report(path+".burst", "must be from per_second, %d, to %d", callback.PerSecond, maxBurst)
	}
}

// has reports whether the file has the key at path.
func (v validator) has(path string) bool {
	_, present := v.positions[path]
	return present
}

// either checks a secret that a list can replace, each with check.
func (v validator) either(path, key string, single Secret, list []Secret, check func(string, Secret)) {
	one, several := path+"."+key, path+"."+key+"s"
	if v.has(one) {
		check(one, single)
	}
	if !v.has(several) {
		return
	}
	switch {
	case v.has(one):
		v.report(several, "cannot be given together with %s: put both into this list, the new one first", key)
	case len(list) == 0 || len(list) > maxAtOnce:
		v.report(several, "must hold one or two: the new one first, then the old one until nothing uses it any more")
	}
	for i, item := range list {
		check(fmt.Sprintf("%s[%d]", several, i), item)
	}
	if len(list) == maxAtOnce && list[0].Matches(list[1].Reveal()) {
		v.report(several+"[1]", "is the same as the first: the old one is another")
	}
}

func (v validator) callbackSecret(path string, secret Secret) {
	switch text := secret.Reveal(); {
	case len(text) < minCallbackSecret:
		v.report(path, "is too short: it needs %d characters, as from: openssl rand -hex 24", minCallbackSecret)
	case !urlSafePattern.MatchString(text):
		v.report(path, "must consist of A-Z a-z 0-9 . _ ~ - only, because it is part of a URL; make one with: openssl rand -hex 24")
	}
}
