package main

import (
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

// scaledObject is what the chart uses of KEDA's type, whose module needs those of
// every cloud.
type scaledObject struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		MinReplicaCount int32 `json:"minReplicaCount"`
		MaxReplicaCount int32 `json:"maxReplicaCount"`
		PollingInterval int32 `json:"pollingInterval"`
		CooldownPeriod  int32 `json:"cooldownPeriod"`
		Fallback        struct {
			FailureThreshold int32  `json:"failureThreshold"`
			Replicas         int32  `json:"replicas"`
			Behavior         string `json:"behavior"`
		} `json:"fallback"`
		Triggers []struct {
			Type              string            `json:"type"`
			Metadata          map[string]string `json:"metadata"`
			AuthenticationRef *struct {
				Name string `json:"name"`
			} `json:"authenticationRef"`
		} `json:"triggers"`
	} `json:"spec"`
}

// triggerMetadata are the names that KEDA's temporal scaler reads, since 2.21.
var triggerMetadata = []string{
	"endpoint", "namespace", "taskQueue", "queueTypes", "targetQueueSize", "activationTargetQueueSize",
	"workerDeploymentName", "workerDeploymentBuildId", "minConnectTimeout", "unsafeSsl", "tlsServerName",
}

// externalSecret is what the chart uses of the type of the External Secrets Operator.
type externalSecret struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		RefreshInterval meta.Duration `json:"refreshInterval"`
		SecretStoreRef  struct {
			Kind string `json:"kind"`
			Name string `json:"name"`
		} `json:"secretStoreRef"`
		Target struct {
			Name           string `json:"name"`
			CreationPolicy string `json:"creationPolicy"`
		} `json:"target"`
		DataFrom []struct {
			Extract struct {
				Key string `json:"key"`
			} `json:"extract"`
		} `json:"dataFrom"`
	} `json:"spec"`
}

// decode reads an object into its Kubernetes type. A field that the type lacks, has
// in another case, or that is there twice, is a failure.
func decode(t *testing.T, text string) any {
	t.Helper()
	data, err := yaml.YAMLToJSONStrict([]byte(text))
	require.NoError(t, err, text)
	var head meta.TypeMeta
	require.NoError(t, json.UnmarshalCaseSensitivePreserveInts(data, &head))
	var object any
	switch kind := head.APIVersion + " " + head.Kind; kind {
	case "apps/v1 Deployment":
		object = &apps.Deployment{}
	case "autoscaling/v2 HorizontalPodAutoscaler":
		object = &autoscaling.HorizontalPodAutoscaler{}
	case "external-secrets.io/v1 ExternalSecret":
		object = &externalSecret{}
	case "keda.sh/v1alpha1 ScaledObject":
		object = &scaledObject{}
	case "monitoring.coreos.com/v1 PrometheusRule":
		object = &monitoring.PrometheusRule{}
	case "monitoring.coreos.com/v1 ServiceMonitor":
		object = &monitoring.ServiceMonitor{}
	case "networking.k8s.io/v1 Ingress":
		object = &networking.Ingress{}
	case "networking.k8s.io/v1 NetworkPolicy":
		object = &networking.NetworkPolicy{}
	case "policy/v1 PodDisruptionBudget":
		object = &policy.PodDisruptionBudget{}
	case "v1 ConfigMap":
		object = &core.ConfigMap{}
	case "v1 Pod":
		object = &core.Pod{}
	case "v1 Service":
		object = &core.Service{}
	case "v1 ServiceAccount":
		object = &core.ServiceAccount{}
	default:
		t.Fatalf("unknown kind %q", kind)
	}
	problems, err := json.UnmarshalStrict(data, object)
	require.NoError(t, err, text)
	require.Empty(t, problems, text)
	return object
}
