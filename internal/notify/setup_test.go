package notify

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercall/internal/secret"
)

// problemsOf are the problems of options, as key: message.
func problemsOf(o Options, s Settings) []string {
	_, problems := New(o, s)
	all := []string{}
	for _, p := range problems {
		all = append(all, p.Key+": "+p.Message)
	}
	return all
}

func TestAddresses(t *testing.T) {
	const (
		malformed = "url: must be an address such as https://crm.example.com/aftercall"
		extra     = "url: must not hold a user, password or fragment"
	)
	for address, want := range map[string][]string{
		"https://x.example/?key=1":      {},
		"http://x.example":              {},
		"":                              {malformed},
		"x.example":                     {malformed},
		"https://":                      {malformed},
		"https://:443/":                 {malformed},
		"ftp://x.example/":              {malformed},
		"https://x.example/%zz":         {malformed},
		"https://canary@x.example/":     {extra},
		"https://x.example/#canary":     {extra},
		"https://10.0.0.1/":             {"url: 10.0.0.1 is a private address: set allow_private for this receiver if it is inside your network"},
		"https://[fe80::1]/":            {"url: fe80::1 is a link-local address, to which nothing is ever sent"},
		"https://localhost.example.com": {},
	} {
		require.Equal(t, want, problemsOf(chatOptions(TypeWeCom, address, ""), Settings{}), address)
	}
}

func TestSecretsAreCopiedExactly(t *testing.T) {
	for text, ok := range map[string]bool{"SECabc": true, "": false, "SEC abc": false, "SECabc\n": false, "SEC\x00abc": false} {
		o := chatOptions(TypeDingTalk, "https://x.example", "").(*DingTalkOptions)
		o.Secret = secret.New(text)
		require.Equal(t, ok, len(problemsOf(o, Settings{})) == 0, "%q", text)
	}
}

func TestSigningSecrets(t *testing.T) {
	key := func(bytes int) string {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", bytes)))
	}
	for text, ok := range map[string]bool{key(23): false, key(24): true, key(64): true, key(65): false, strings.TrimPrefix(key(32), "whsec_"): false, "whsec_?": false} {
		o := &WebhookOptions{URL: secret.New("https://x.example"), Secrets: []secret.Text{secret.New(key(32)), secret.New(text)}}
		problems := problemsOf(o, Settings{})
		require.Equal(t, ok, len(problems) == 0, "%q", text)
		if !ok {
			require.Contains(t, problems[0], "secrets[1]: must be whsec_ and base64 of 24 to 64 bytes")
		}
	}
}

func TestMailOptions(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*EmailOptions)
		want   []string
	}{
		"good":       {func(*EmailOptions) {}, nil},
		"first port": {func(o *EmailOptions) { o.Mail.Server = "smtp.example.com:1" }, nil},
		"last port":  {func(o *EmailOptions) { o.Mail.Server = "smtp.example.com:65535" }, nil},
		"no authentication": {func(o *EmailOptions) {
			o.Mail.Username, o.Mail.Password, o.Mail.Security = "", secret.Text{}, securityNone
		}, nil},
		"port 0":        {func(o *EmailOptions) { o.Mail.Server = "smtp.example.com:0" }, []string{"mail.server"}},
		"port 65536":    {func(o *EmailOptions) { o.Mail.Server = "smtp.example.com:65536" }, []string{"mail.server"}},
		"port by name":  {func(o *EmailOptions) { o.Mail.Server = "smtp.example.com:smtp" }, []string{"mail.server"}},
		"no host":       {func(o *EmailOptions) { o.Mail.Server = ":25" }, []string{"mail.server"}},
		"no password":   {func(o *EmailOptions) { o.Mail.Password = secret.Text{} }, []string{"mail.username"}},
		"no username":   {func(o *EmailOptions) { o.Mail.Username = "" }, []string{"mail.username"}},
		"reported once": {func(o *EmailOptions) { o.Locale, o.TimeZone = "german", "Mars/Base" }, []string{"locale", "time_zone"}},
	} {
		o := &EmailOptions{Mail: Mail{
			Server: "smtp.example.com:587", Security: securityStartTLS, Username: "aftercall", Password: secret.New("canary"),
			From: "calls@example.com", To: []string{"finance@example.com"},
		}}
		c.change(o)
		_, problems := New(o, Settings{})
		var keys []string
		for _, p := range problems {
			keys = append(keys, p.Key)
		}
		require.Equal(t, c.want, keys, name)
	}
}

func TestAmountsOfAMeter(t *testing.T) {
	usd, yen := Charge{App: "clinic", Currency: "USD", Digits: 2}, Charge{App: "school", Currency: "JPY"}
	fine := Charge{App: "bank", Currency: "USD", Digits: 3}
	for name, c := range map[string]struct {
		value   string
		charges []Charge
		want    []string
	}{
		"one currency":      {countAmount, []Charge{usd, usd}, []string{}},
		"none known":        {countAmount, nil, []string{}},
		"two currencies":    {countAmount, []Charge{usd, yen}, []string{"stripe.value: amount cannot add up JPY and USD: make a target of each currency, with the apps of each"}},
		"fractions":         {countAmount, []Charge{usd, fine}, []string{"stripe.value: amount counts whole units of USD, of which the tariff of the app bank charges fractions: choose billed_seconds, or leave digits out of the tariff"}},
		"seconds of any":    {countBilledSeconds, []Charge{usd, yen, fine}, []string{}},
		"seconds connected": {countConnectedSeconds, []Charge{usd, yen}, []string{}},
	} {
		o := stripeOptions("https://x.example", c.value)
		require.Equal(t, c.want, problemsOf(o, Settings{Events: stripeChannel.Events, Charges: c.charges}), name)
	}
	o := stripeOptions("https://x.example", countBilledSeconds)
	o.Stripe.Name = strings.Repeat("m", maxStripeName)
	require.Empty(t, problemsOf(o, Settings{Events: stripeChannel.Events}), "the longest name")
	o.Stripe.Name = ""
	require.Equal(t, []string{"stripe.meter: must be the meter's event name, of at most 100 characters"}, problemsOf(o, Settings{Events: stripeChannel.Events}))
}
