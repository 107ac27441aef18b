package local_test

import (
	"github.com/stretchr/testify/require"

	"aftercall/internal/cli"
	"aftercall/internal/tencent"
)

func (c console) testCallback() {
	o := c.run("callback", "show", "--app", "tutoring")
	require.Equal(c.t, output{cli.OK, `App         tutoring (1400000001)
Registered  http://HOST/tencent/call/[the app's secret]
            Call.CallbackAfterEndCall
Configured  http://HOST/tencent/call/[the app's secret]
            Call.CallbackAfterEndCall
Difference  none
`, ""}, o)
	require.Contains(c.t, c.run("callback", "show", "--app", "1400000001", "--show-secret").stdout, "/tencent/call/tutoring-callback-path-secret\n")

	require.Equal(c.t, cli.OK, c.run("callback", "delete", "--app", "tutoring", "--dry-run").code)
	require.True(c.t, c.registered(tutoringID), "a dry run does nothing")
	require.Equal(c.t, cli.OK, c.run("callback", "delete", "--app", "tutoring").code)
	require.False(c.t, c.registered(tutoringID))
	o = c.run("callback", "show")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stdout, "Registered  none: Tencent posts no callbacks\n")
	require.Contains(c.t, o.stdout, "Difference  no callback is registered\n")
	require.Equal(c.t, "aftercall: 1 of 3 registrations are not as configured\n  → aftercall callback set --app tutoring\n", o.stderr)
	require.Contains(c.t, c.run("check").stdout, "FAIL  callback           tutoring  no callback is registered\n")

	require.Contains(c.t, c.run("callback", "set", "--app", "tutoring", "--dry-run").stdout, "Done        would set\n")
	require.False(c.t, c.registered(tutoringID))
	o = c.run("callback", "set", "--app", "tutoring")
	require.Equal(c.t, output{cli.OK, `App         tutoring (1400000001)
Before      none: Tencent posts no callbacks
Now         http://HOST/tencent/call/[the app's secret]
            Call.CallbackAfterEndCall
Difference  no callback is registered
Done        set
`, ""}, o)
	require.Equal(c.t, cli.OK, c.run("callback", "show").code)

	// Other commands are no other URL.
	o = c.run("callback", "set", "--app", "tutoring", "--commands", "Call.CallbackAfterEndCall,Call.CallbackAfterStartCall")
	require.Equal(c.t, cli.OK, o.code)
	require.Contains(c.t, o.stdout, "Call.CallbackAfterStartCall is not posted\n")
	o = c.run("callback", "show", "--app", "tutoring")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stdout, "Call.CallbackAfterStartCall is posted, but not used\n")
	require.Equal(c.t, cli.OK, c.run("callback", "set", "--app", "tutoring").code)

	for want, args := range map[string][]string{
		"several apps are configured\n  → name one with --app: clinic, tutoring":                        {"callback", "set"},
		"--app: there is no app \"clnic\"\n  → apps are: clinic, tutoring":                              {"callback", "set", "--app", "clnic"},
		"--commands: there is no command \"Call.Foo\"\n  → commands are: Call.CallbackAfterStartCall, ": {"callback", "set", "--app", "clinic", "--commands", "Call.Foo"},
		"--url is not an address\n  → write https://HOST/tencent/call/SECRET":                           {"callback", "set", "--app", "clinic", "--url", "elsewhere"},
		"unknown flag --frce, did you mean \"--force\"?\n  → see aftercall callback set":                {"callback", "set", "--frce"},
	} {
		o := c.run(args...)
		require.Equal(c.t, cli.Usage, o.code, want)
		require.Contains(c.t, o.stderr, want)
	}
	o = c.with(wrongKeys, "callback", "show", "--app", "clinic")
	require.Equal(c.t, cli.Failed, o.code)
	require.Contains(c.t, o.stderr, "Tencent answers 70009")
	require.Contains(c.t, o.stderr, "→ copy SDKSecretKey")
	o = c.with(map[string]string{"DEV_TENCENT_URL": "http://" + closedPort}, "callback", "show", "--app", "clinic")
	require.Equal(c.t, cli.Failed, o.code)
	require.Contains(c.t, o.stderr, "→ can this machine reach http://"+closedPort+"?")
}

func (c console) registered(app tencent.SDKAppID) bool {
	_, ok := c.stack.Tencent.Callback(app)
	return ok
}

func (c console) testForeignCallback() {
	const foreign = "https://other.example.com/hooks/rtc?token=canary"
	o := c.run("callback", "set", "--app", "tutoring", "--url", foreign)
	require.Equal(c.t, cli.Refused, o.code, "it is another URL than the one that is registered")
	o = c.run("callback", "set", "--app", "tutoring", "--url", foreign, "--force")
	require.Equal(c.t, cli.OK, o.code)
	require.Contains(c.t, o.stderr, "note: --url does not end in /tencent/call/ and a secret of the app")
	require.NotContains(c.t, o.stdout+o.stderr, "canary")

	for _, args := range [][]string{{"set"}, {"set", "--dry-run"}, {"delete"}} {
		o = c.run(append([]string{"callback"}, append(args, "--app", "tutoring")...)...)
		require.Equal(c.t, cli.Refused, o.code)
		require.Contains(c.t, o.stdout, "Difference  callbacks go to https://other.example.com/hooks/rtc?[…], not to http://HOST/tencent/call/[the app's secret]\n")
		require.Contains(c.t, o.stderr, "another URL is registered")
		require.Contains(c.t, o.stderr, "--force")
		have, ok := c.stack.Tencent.Callback(tutoringID)
		require.True(c.t, ok)
		require.Equal(c.t, foreign, have.URL, "it is left alone")
	}
	require.Contains(c.t, c.run("callback", "set", "--app", "tutoring", "--dry-run", "--force").stdout, "would set")
	have, _ := c.stack.Tencent.Callback(tutoringID)
	require.Equal(c.t, foreign, have.URL)

	require.Equal(c.t, cli.OK, c.run("callback", "set", "--app", "tutoring", "--force").code)
	require.Equal(c.t, cli.OK, c.run("callback", "show").code)

	// A secret that was changed in the configuration only.
	o = c.with(map[string]string{"TUTORING_CALLBACK_SECRET": "a-secret-of-tomorrow"}, "callback", "show", "--app", "tutoring")
	require.Equal(c.t, cli.Refused, o.code)
	require.Contains(c.t, o.stdout, "callbacks go to http://HOST/tencent/call/[another secret], not to http://HOST/tencent/call/[the app's secret]\n")
}

func (c console) testTarget() {
	o := c.run("target", "test", "crm")
	require.Equal(c.t, cli.OK, o.code, o.stderr)
	require.Regexp(c.t, `Target  crm \(webhook\)\nEvent   target\.test, message msg_test_[0-9a-f]+\nResult  delivered in \d+ ms\n`, o.stdout)
	o = c.run("target", "test", "desk")
	require.Equal(c.t, cli.OK, o.code, o.stderr)
	require.Contains(c.t, o.stdout, "desk (slack)")
}
