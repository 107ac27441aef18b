package ownconfig

import (
	"net"
	"net/url"
	"strconv"

	"go.yaml.in/yaml/v3"

	"aftercall/internal/config"
	"aftercall/internal/notify"
)

// redirect changes every address of the file that is not on this machine.
func (l *Local) redirect(root *yaml.Node, parsed *config.Config, at Addresses) {
	for i, app := range items(root, "apps") {
		set(app, "api", at.Tencent)
		set(get(app, "callback"), "base_url", at.Starter)
		configured := parsed.Apps[i]
		if configured.Relay == nil || onThisMachine(configured.Relay.URL) {
			continue
		}
		standIn := StandIn{Name: configured.Name + ".relay", Path: "/hooks/" + configured.Name + ".relay"}
		reach(get(app, "relay"), at.Receiver+standIn.Path)
		l.StandIns = append(l.StandIns, standIn)
	}
	if kept := get(root, "evidence"); kept != nil {
		remove(kept, "url") // the stack's ledger is in place of the user's
	}
	for i, target := range items(root, "targets") {
		l.redirectTarget(target, parsed.Targets[i], at)
	}
}

func (l *Local) redirectTarget(target *yaml.Node, configured config.Target, at Addresses) {
	standIn := StandIn{Name: configured.Name, Path: "/hooks/" + configured.Name}
	if mail, ok := configured.Options.(*notify.EmailOptions); ok {
		if onThisMachine("//" + mail.Mail.Server) {
			l.Kept = append(l.Kept, configured.Name)
			return
		}
		server := get(target, "mail")
		set(server, "server", at.Mail)
		set(server, "security", "none")
		remove(server, "username", "password")
		set(target, "allow_private", true)
		l.StandIns = append(l.StandIns, StandIn{Name: configured.Name, Mail: true})
		return
	}
	if address := get(target, "url"); address != nil && onThisMachine(l.expand(address.Value)) {
		l.Kept = append(l.Kept, configured.Name)
		return
	}
	if webhook, ok := configured.Options.(*notify.WebhookOptions); ok {
		standIn.Secret = webhook.Secrets[0].Reveal()
	}
	reach(target, at.Receiver+standIn.Path)
	l.StandIns = append(l.StandIns, standIn)
}

// reach makes a receiver one on this machine.
func reach(receiver *yaml.Node, address string) {
	set(receiver, "url", address)
	set(receiver, "allow_private", true)
	remove(receiver, "proxy")
}

// onThisMachine reports whether the host of an address is this machine.
func onThisMachine(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(parsed.Hostname())
	return parsed.Hostname() == "localhost" || (ip != nil && ip.IsLoopback())
}

// items are the elements of a list.
func items(mapping *yaml.Node, key string) []*yaml.Node {
	if list := get(mapping, key); list != nil {
		return list.Content
	}
	return nil
}

func index(mapping *yaml.Node, key string) int {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return i
		}
	}
	return -1
}

func get(mapping *yaml.Node, key string) *yaml.Node {
	if i := index(mapping, key); i >= 0 {
		return mapping.Content[i+1]
	}
	return nil
}

// set sets a key to a text or to true or false.
func set(mapping *yaml.Node, key string, value any) {
	node := &yaml.Node{Kind: yaml.ScalarNode}
	switch v := value.(type) {
	case string:
		node.SetString(v)
	case bool:
		node.Tag, node.Value = "!!bool", strconv.FormatBool(v)
	}
	if i := index(mapping, key); i >= 0 {
		mapping.Content[i+1] = node
		return
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, node)
}

func remove(mapping *yaml.Node, keys ...string) {
	for _, key := range keys {
		if i := index(mapping, key); i >= 0 {
			mapping.Content = append(mapping.Content[:i:i], mapping.Content[i+2:]...)
		}
	}
}
