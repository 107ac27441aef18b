package tencentsim

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"aftercall/internal/tencent"
)

// Error codes of Tencent that the checks return. D:68926
const (
	codeBadURL           tencent.Code = 60002
	codeBadJSON          tencent.Code = 60003
	codeBadAccount       tencent.Code = 60004
	codeOverFrequency    tencent.Code = 60007
	codeBadResource      tencent.Code = 60009
	codeNotAdministrator tencent.Code = 60010
	codeNoSDKAppID       tencent.Code = 60012
	codeSigExpired       tencent.Code = 70001
	codeSigBroken        tencent.Code = 70003
	codeSigWrongKey      tencent.Code = 70009
	codeSigOtherAccount  tencent.Code = 70013
	codeSigOtherApp      tencent.Code = 70014
	codeUnknownApp       tencent.Code = 70020
)

// failure is an answer that is not OK.
type failure struct {
	code tencent.Code
	info string
}

// identify returns the app of a request, which is unknown if it fails.
func (s *Simulator) identify(r *http.Request) (App, url.Values, *failure) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return App{}, nil, &failure{codeBadURL, "the query of the URL cannot be parsed"}
	}
	text := query.Get("sdkappid")
	id, err := tencent.ParseSDKAppID(text)
	if err != nil {
		return App{}, nil, &failure{codeNoSDKAppID, "sdkappid is missing from the URL or not a number"}
	}
	app, ok := s.apps[id]
	if !ok {
		return App{}, nil, &failure{codeUnknownApp, "sdkappid is unknown"}
	}
	return app, query, nil
}

// authorize checks the rest of the query: contenttype, random, identifier, usersig.
func (s *Simulator) authorize(app App, query url.Values) *failure {
	if query.Get("contenttype") != "json" {
		return &failure{codeBadURL, "contenttype must be json"}
	}
	if _, err := strconv.ParseUint(query.Get("random"), 10, 32); err != nil {
		return &failure{codeBadURL, "random must be an unsigned 32-bit integer"}
	}
	identifier := query.Get("identifier")
	if identifier == "" {
		return &failure{codeBadAccount, "identifier is missing from the URL"}
	}
	if f := s.checkUserSig(app, identifier, query.Get("usersig")); f != nil {
		return f
	}
	if identifier != app.Administrator {
		return &failure{codeNotAdministrator, "identifier is not an App administrator"}
	}
	return nil
}

func (s *Simulator) checkUserSig(app App, identifier, text string) *failure {
	sig, err := tencent.DecodeUserSig(text)
	switch {
	case err != nil:
		return &failure{codeSigBroken, "usersig is missing, cut off or not a UserSig"}
	case sig.SDKAppID != app.SDKAppID:
		return &failure{codeSigOtherApp, "usersig was made for another sdkappid"}
	case sig.Identifier != identifier:
		return &failure{codeSigOtherAccount, "usersig was made for another identifier"}
	}
	_, err = tencent.VerifyUserSig(text, app.SDKAppID, app.SecretKey, s.wall())
	switch {
	case errors.Is(err, tencent.ErrUserSigExpired):
		return &failure{codeSigExpired, "usersig has expired"}
	case err != nil:
		return &failure{codeSigWrongKey, "usersig does not verify with the key of this sdkappid"}
	}
	return nil
}
