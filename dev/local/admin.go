package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// adminClient waits long enough for a profile on a busy machine.
var adminClient = &http.Client{Timeout: 30 * time.Second}

// AskAdmin returns what an admin listener of a starter or a worker answers. Another
// status than 200 is an error.
func AskAdmin(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := adminClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %d: %s", url, resp.StatusCode, answer)
	}
	return string(answer), err
}

// Metrics reads the metrics of a starter or a worker, by name.
func Metrics(ctx context.Context, url string) (map[string]*dto.MetricFamily, error) {
	text, err := AskAdmin(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return families, nil
}
