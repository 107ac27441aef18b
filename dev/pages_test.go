package main

import (
	"cmp"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	aftercall "aftercall/internal/cli"
	"aftercall/internal/testenv"
	"aftercall/internal/testenv/pages"
)

// notRunHere are the blocks that TestPages does not run: who does, or why nobody can. The
// text is in the block.
var notRunHere = []struct{ page, text, reason string }{
	{"README.md", "make dev ", "starts what this test starts; CI runs make demo"},
	{"README.md", "SECRET_KEY=…", "TestConnectYourOwnApp"},
	{"README.md", "redis-server ", "TestConnectYourOwnApp"},
	{"README.md", "callback set\naftercall check", "TestConnectYourOwnApp"},
	{"README.md", "ledger list", "TestConnectYourOwnApp"},
	{"CONTRIBUTING.md", "make build ", "CI runs them, one of which is this test"},
	{"docs/benchmarks.md", "make bench ", "takes minutes and compiles other engines; dev/bench has a smoke test"},
	{"docs/deploy.md", "make push-image ", "CI builds the image; pushing needs a registry"},
	{"docs/deploy.md", "docker run ", "needs a container engine; dev/release runs the image without one"},
	{"docs/deploy.md", "apt install ", "make try-package installs the package; editor and systemctl need a person and systemd"},
	{"docs/deploy.md", "createuser ", "sudo and systemctl need the package; TestPackageOnPostgres of dev/deploy runs the rest, and the units"},
	{"docs/deploy.md", "first-look.env ", "needs a container engine; TestComposeCharges runs the same file as processes"},
	{"docs/deploy.md", "cp example.env ", "needs a container engine; TestComposeCharges runs the same file as processes"},
	{"docs/deploy.md", "kubectl ", "needs a Kubernetes cluster"},
	{"docs/deploy.md", "cosign ", "needs a release"},
	{"docs/ledger.md", "$BACKUP", "TestRestoreSQLite and TestRestorePostgres of dev/local"},
	{"docs/ledger.md", "restore --apply", "TestRestoreSQLite and TestRestorePostgres of dev/local"},
	{"docs/ledger.md", "aftercall ledger ", "internal/cli runs it, and compares all output of the page"},
	{"docs/reliability.md", "make faults ", "takes hours; CI runs it every night"},
	{"docs/reliability.md", "make load ", "takes minutes; CI runs it every night"},
	{"docs/reliability.md", "make nightly ", "takes hours; CI runs it every night"},
	{"docs/scaling.md", "make bench ", "takes minutes; dev/bench compares the page with its program"},
	{"docs/tutorial.md", "", "TestTutorial"},
}

// steps are what commands of a page need before, and the exit codes that it gives them.
// typed is how the command begins.
var steps = []struct {
	page, typed string
	before      func(*typist)
	code        int
}{
	{"docs/call.md", "temporal workflow query ", (*typist).placeReviewed, aftercall.OK},
	{"docs/operations.md", "aftercall check --probe", (*typist).loseCallbacks, aftercall.Refused},
	{"docs/operations.md", "aftercall callback set --app tutoring", nil, aftercall.Refused},
	{"docs/operations.md", "aftercall call 031e9606-", (*typist).awaitStuck, aftercall.OK},
	{"docs/operations.md", "aftercall call f99a58c3-", (*typist).placeLost, aftercall.NotFound},
	{"docs/operations.md", "aftercall backfill ", (*typist).placeLostToo, aftercall.OK},
	{"docs/operations.md", "temporal worker deployment ", (*typist).startVersions, aftercall.OK},
	{"docs/operations.md", "aftercall audit ", nil, aftercall.Usage}, // too long ago
}

// TestPages runs what README and docs tell people to type, page by page, on a stack with
// the calls that they are about. Each command must have the documented exit code, and
// print what the page shows, apart from numbers, times and addresses.
func TestPages(t *testing.T) {
	for _, program := range []string{"redis-server", "curl", "openssl"} {
		if _, ok := testenv.Program(t, program, "install it to run the commands of the pages"); !ok {
			return
		}
	}
	r := startTypist(t)
	listed := map[string]bool{}
	next := 0
	for _, block := range pages.Blocks(t, "..") {
	typing:
		for _, typed := range block.Typed() {
			for _, n := range notRunHere {
				if n.page == typed.Page && strings.Contains(typed.Script, n.text) {
					listed[n.page+n.text] = true
					continue typing
				}
			}
			code := aftercall.OK
			if next < len(steps) && steps[next].page == typed.Page && strings.HasPrefix(typed.Script, steps[next].typed) {
				if steps[next].before != nil {
					steps[next].before(r)
				}
				code = steps[next].code
				next++
			}
			r.enter(typed, code)
		}
	}
	r.enterInline()
	for _, n := range notRunHere {
		require.True(t, listed[n.page+n.text], "%s has no block with %q any more", n.page, n.text)
	}
	require.Len(t, steps[:next], len(steps), "no page has the command")
}

// inline are the commands in the text of pages that need something filled in, that have
// another exit code than 0, or that are not run.
var inline = []struct {
	command, filledIn string
	code              int
}{
	{"aftercall backfill … --dry-run", "aftercall backfill --app tutoring --from 2026-11-25T00:15:39Z --to 2026-11-25T02:15:38Z --dry-run", aftercall.OK},
	{"aftercall evidence list --call CALLID", "aftercall evidence list --app tutoring --call CALLID", aftercall.OK},
	{"aftercall health starter", "AFTERCALL_ADMIN_LISTEN=127.0.0.1:9090 aftercall health starter", aftercall.OK},
	{"aftercall health starter --live", "AFTERCALL_ADMIN_LISTEN=127.0.0.1:9090 aftercall health starter --live", aftercall.OK},
	{"aftercall health worker", "AFTERCALL_ADMIN_LISTEN=127.0.0.1:9091 aftercall health worker", aftercall.OK},
	{"aftercall ledger entry 1", "", notRun}, // a line of the ledger's log
	{"aftercall ledger reverse", "aftercall ledger reverse CALLID --operator alice --reason dead", aftercall.OK},
	{"aftercall ledger reverse --undo", "aftercall ledger reverse CALLID --undo --operator alice --reason alive", aftercall.OK},
	{"aftercall ledger adjust --amount", "aftercall ledger adjust CALLID --amount -10 --operator alice --reason frozen", aftercall.OK},
	{"aftercall ledger reverse --adjustment N", "aftercall ledger reverse CALLID --adjustment 1 --operator alice --reason thawed", aftercall.OK},
	{"aftercall ledger rerate --apply", "aftercall ledger rerate --call CALLID --apply --operator alice --reason dearer", aftercall.OK},
	{"aftercall ledger report --close", "aftercall ledger report --close 2026-03 --operator alice", aftercall.OK},
	{"aftercall review decide CALLID --verdict charge|waive|charge-as", "", notRun}, // TestTutorial decides
	{"aftercall starter", "", notRun}, // until it is stopped: a block of README runs bin/starter and bin/worker
	{"aftercall worker", "", notRun},
	{"aftercall worker --accept-edited-tariff standard", "", notRun},
	{"aftercall sweep dismiss KEY --operator NAME --reason TEXT", "", aftercall.NotFound},
	{"aftercall waiting retry CALLID", "aftercall waiting retry " + stuckCall, aftercall.OK},
	{"curl -i -X POST https://calls.example.com/tencent/call/x", "curl -i -X POST https://calls.example.com/tencent/call/x | grep 'HTTP/1.1 404'", 0},
	{`openssl x509 -noout -enddate -in "$AFTERCALL_TLS_CERT"`, `AFTERCALL_TLS_CERT=cert.pem; openssl x509 -noout -enddate -in "$AFTERCALL_TLS_CERT"`, 0},
	{"temporal server start-dev", "", notRun},                   // TestConnectYourOwnApp
	{"temporal worker deployment describe-version", "", notRun}, // TestClusterTriesALaterRelease has versions
	{"docker compose up --detach worker", "", notRun},           // needs a container engine
	{"kubectl apply -k", "", notRun},                            // needs a Kubernetes cluster
	{"kubectl rollout restart", "", notRun},
	{"systemctl edit aftercall-starter", "", notRun},                                                           // needs systemd, and a person
	{"ss -tn state established '( sport = :8080 )' | awk '{print $4}' | sort | uniq -c | sort -n", "", notRun}, // only on Linux
}

const notRun = -1

// nameOfACommand is code that names a command, which may need arguments.
var nameOfACommand = regexp.MustCompile(`^aftercall( [a-z-]+)+$`)

// enterInline runs the commands in the text of pages, each once.
func (r *typist) enterInline() {
	r.t.Helper()
	missing := map[string]bool{}
	for _, i := range inline {
		missing[i.command] = true
	}
	for _, typed := range pages.Inline(r.t, "..", "aftercall", "temporal", "curl", "openssl", "make", "docker", "kubectl", "helm", "systemctl", "ss", "psql", "redis-cli") {
		command, code := typed.Script, aftercall.OK
		if strings.HasPrefix(command, "make ") && !strings.HasPrefix(command, "make call") && !strings.HasPrefix(command, "make aftercall ") {
			continue // only what uses a running stack; TestDocumentedTargets checks all
		}
		for _, i := range inline {
			if i.command == command {
				typed.Script, code = cmp.Or(i.filledIn, command), i.code
				delete(missing, command)
			}
		}
		if r.read[command] || code == notRun {
			continue
		}
		r.read[command] = true
		printed, exit := r.runUntil(inlineNames.Replace(typed.Script), func(_ string, exit int) bool { return exit == code || exit == aftercall.Usage })
		if exit == aftercall.Usage && nameOfACommand.MatchString(command) {
			continue // it needs more
		}
		assert.Equal(r.t, code, exit, "%s:%d: %s\n%s", typed.Page, typed.Line, typed.Script, printed)
	}
	assert.Empty(r.t, missing, "no page has these commands")
}

// inlineNames are what stands for a name in the text of pages.
var inlineNames = strings.NewReplacer("CALLID", sweptCall, "APP", "clinic", "test <name>", "test crm", "test NAME", "test crm", "<SDKAppID>", "1400000001", "call:…", "call:1400000001:"+sweptCall)
