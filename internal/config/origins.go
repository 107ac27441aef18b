package config

import (
	"errors"
	"net/url"
	"strings"
)

// Origins are origins of web pages: scheme, host and port, and nothing else.
type Origins []string

// UnmarshalText reads origins with commas between them.
func (o *Origins) UnmarshalText(text []byte) error {
	var all Origins
	for part := range strings.SplitSeq(string(text), ",") {
		origin := strings.TrimSpace(part)
		parsed, err := url.Parse(origin)
		if err != nil || parsed.Hostname() == "" || (parsed.Scheme != "http" && parsed.Scheme != "https") ||
			origin != parsed.Scheme+"://"+parsed.Host {
			return errors.New("must be scheme, host and port, as in https://temporal.example.com or http://localhost:8233, several with commas between them")
		}
		all = append(all, origin)
	}
	*o = all
	return nil
}

// minCodecToken keeps the token from being guessed.
const minCodecToken = 32

// codecProblems are those of settings that require each other. A variable that
// could not be parsed is reported already.
func (s *WorkerSettings) codecProblems(environ map[string]string) []Problem {
	if s.CodecToken.IsZero() {
		if len(s.CodecOrigins) > 0 {
			return []Problem{{Key: "AFTERCALL_CODEC_ORIGINS", Message: "has no use without AFTERCALL_CODEC_TOKEN: set that too, or remove this"}}
		}
		return nil
	}
	var problems []Problem
	if len(s.CodecToken.Reveal()) < minCodecToken {
		problems = append(problems, Problem{Key: "AFTERCALL_CODEC_TOKEN", Message: "is shorter than 32 characters: make one with: openssl rand -hex 24"})
	}
	if environ["AFTERCALL_PAYLOAD_KEYS"] == "" {
		problems = append(problems, Problem{Key: "AFTERCALL_CODEC_TOKEN", Message: "has no use without AFTERCALL_PAYLOAD_KEYS: set that too, or remove this"})
	}
	return problems
}
