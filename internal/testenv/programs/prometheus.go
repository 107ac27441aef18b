package programs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Scrape is what a Prometheus scrapes and evaluates.
type Scrape struct {
	// Ports are those of the processes on this machine that it scrapes as the job
	// aftercall.
	Ports    []int
	Interval time.Duration
	// Rules is a file of alerts, empty for none.
	Rules string
}

// Prometheus returns a Prometheus that keeps its data in folder. The error is a
// *MissingError where there is no Prometheus.
func Prometheus(folder string, port int, scrape Scrape) (Server, error) {
	path, err := exec.LookPath("prometheus")
	if err != nil {
		return Server{}, &MissingError{Name: "prometheus", Program: "Prometheus", Package: "prometheus"}
	}
	targets := make([]string, len(scrape.Ports))
	for i, port := range scrape.Ports {
		targets[i] = fmt.Sprintf("%q", address(port))
	}
	text := fmt.Sprintf("global: {scrape_interval: %[1]s, evaluation_interval: %[1]s}\n", scrape.Interval)
	if scrape.Rules != "" {
		text += fmt.Sprintf("rule_files: [%q]\n", scrape.Rules)
	}
	text += fmt.Sprintf("scrape_configs: [{job_name: aftercall, static_configs: [{targets: [%s]}]}]\n", strings.Join(targets, ", "))
	config := filepath.Join(folder, "prometheus.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return Server{}, fmt.Errorf("configuration of Prometheus: %w", err)
	}
	return Server{Path: path, Dir: folder, StopSignal: syscall.SIGTERM, Args: []string{
		"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(folder, "data"), "--web.listen-address=" + address(port),
	}}, nil
}
