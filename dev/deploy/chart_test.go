package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/lint"
	"helm.sh/helm/v4/pkg/chart/v2/lint/support"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"aftercall/internal/config"
	"aftercall/starter/callback"
	worker "aftercall/worker/service"
)

const chartFolder = "helm/aftercall"

// TestChart lints the chart with each file of values, decodes what it renders
// strictly, and compares the objects with each other and with the programs.
func TestChart(t *testing.T) {
	files, err := filepath.Glob(chartFolder + "/ci/*.yaml")
	require.NoError(t, err)
	require.Len(t, files, 5)
	kinds := map[string]bool{}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			values, err := readValues(file)
			require.NoError(t, err)
			for _, m := range lint.RunAll(chartFolder, maps.Clone(values), "aftercall").Messages {
				require.Less(t, m.Severity, support.WarningSev, m.Error())
			}
			objects := rendered(t, values)
			pods := podsOf(t, objects)
			for _, o := range objects {
				check(t, o, pods)
			}
			for _, d := range documents(t, values) {
				kinds[d.kind] = true
			}
		})
	}
	require.Len(t, kinds, 13, "the files of values reach every template")
}

func documents(t *testing.T, values map[string]any) []document {
	t.Helper()
	all, err := render(chartFolder, values, common.ReleaseOptions{Name: "aftercall", Namespace: "billing", IsInstall: true})
	require.NoError(t, err)
	return all
}

func rendered(t *testing.T, values map[string]any) []any {
	t.Helper()
	var objects []any
	for _, d := range documents(t, values) {
		objects = append(objects, decode(t, d.text))
	}
	return objects
}

// pods are the pods of one rendered chart by the name of their Deployment.
type pods map[string]core.PodTemplateSpec

func podsOf(t *testing.T, objects []any) pods {
	t.Helper()
	found := pods{}
	for _, o := range objects {
		if d, ok := o.(*apps.Deployment); ok {
			require.Equal(t, d.Spec.Selector.MatchLabels, selected(d.Spec.Template.Labels, d.Spec.Selector.MatchLabels))
			found[d.Name] = d.Spec.Template
		}
	}
	require.Len(t, found, 2)
	return found
}

// selected are those of the labels that a selector names.
func selected(labels, selector map[string]string) map[string]string {
	found := map[string]string{}
	for name := range selector {
		if value, ok := labels[name]; ok {
			found[name] = value
		}
	}
	return found
}

// requireSelects makes sure that a selector finds as many Deployments' pods as wanted,
// and that they have the named port unless it is empty.
func (p pods) requireSelects(t *testing.T, selector map[string]string, count int, port string) {
	t.Helper()
	found := 0
	for _, pod := range p {
		if !maps.Equal(selected(pod.Labels, selector), selector) {
			continue
		}
		found++
		require.True(t, port == "" || slices.ContainsFunc(pod.Spec.Containers[0].Ports, func(p core.ContainerPort) bool { return p.Name == port }), port)
	}
	require.Equal(t, count, found, selector)
}

// check compares an object with the pods and with the programs.
func check(t *testing.T, object any, pods pods) {
	switch o := object.(type) {
	case *apps.Deployment:
		checkPod(t, o.Labels["app.kubernetes.io/component"], &o.Spec.Template.Spec)
	case *core.Pod:
		require.Equal(t, []string{"check"}, o.Spec.Containers[0].Args)
		checkConfined(t, &o.Spec)
	case *core.Service:
		count := map[string]int{"callbacks": 1, "admin": 2}[o.Spec.Ports[0].Name]
		pods.requireSelects(t, o.Spec.Selector, count, o.Spec.Ports[0].TargetPort.StrVal)
	case *policy.PodDisruptionBudget:
		pods.requireSelects(t, o.Spec.Selector.MatchLabels, 1, "")
	case *autoscaling.HorizontalPodAutoscaler:
		require.Contains(t, pods, o.Spec.ScaleTargetRef.Name)
		require.LessOrEqual(t, *o.Spec.MinReplicas, o.Spec.MaxReplicas)
	case *scaledObject:
		checkScaledObject(t, o, pods)
	case *networking.NetworkPolicy:
		pods.requireSelects(t, o.Spec.PodSelector.MatchLabels, 2, "admin")
	case *networking.Ingress:
		var paths []string
		for _, path := range o.Spec.Rules[0].HTTP.Paths {
			paths = append(paths, path.Path)
			require.Equal(t, "aftercall-starter", path.Backend.Service.Name)
		}
		require.Equal(t, []string{callback.PathPrefix, callback.RoomPathPrefix}, paths)
	case *monitoring.ServiceMonitor:
		require.Equal(t, "admin", o.Spec.Selector.MatchLabels["app.kubernetes.io/component"])
		require.Equal(t, "app.kubernetes.io/name", o.Spec.JobLabel, `the alerts have job="aftercall"`)
	case *monitoring.PrometheusRule:
		var alerts monitoring.PrometheusRuleSpec
		text, err := os.ReadFile("../../docs/prometheus/alerts.yaml")
		require.NoError(t, err)
		require.NoError(t, yaml.UnmarshalStrict(text, &alerts))
		require.Equal(t, alerts, o.Spec)
	case *core.ConfigMap:
		if dashboard, ok := o.Data["aftercall.json"]; ok {
			text, err := os.ReadFile("../../docs/grafana/aftercall.json")
			require.NoError(t, err)
			require.Equal(t, string(text), dashboard)
		}
	}
}

func checkPod(t *testing.T, process string, pod *core.PodSpec) {
	checkConfined(t, pod)
	container := pod.Containers[0]
	require.Equal(t, []string{process}, container.Args)
	require.Equal(t, []string{"/usr/local/bin/aftercall", "health", process, "--live"}, container.StartupProbe.Exec.Command)
	require.Equal(t, "/healthz", container.LivenessProbe.HTTPGet.Path)
	require.Equal(t, "/readyz", container.ReadinessProbe.HTTPGet.Path)
	require.Equal(t, "admin", container.ReadinessProbe.HTTPGet.Port.StrVal)
	require.Equal(t, "admin", container.LivenessProbe.HTTPGet.Port.StrVal)
	require.NotNil(t, container.EnvFrom[0].SecretRef)

	// What the Secret has, and the ConfigMap, whether it is the chart's or not.
	environ := map[string]string{
		"REDIS_URL": "rediss://aftercall:secret@redis:6379", "LEDGER_URL": "postgres://aftercall:secret@postgres/aftercall",
		"CLINIC_SECRET_KEY":      "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e",
		"CLINIC_CALLBACK_SECRET": "a-callback-secret-for-tests",
	}
	for _, variable := range container.Env {
		environ[variable.Name] = variable.Value
	}
	checkMemory(t, container)
	delete(environ, "GOMEMLIMIT")
	listens := map[string]string{"admin": environ["AFTERCALL_ADMIN_LISTEN"], "callbacks": environ["AFTERCALL_LISTEN"]}
	for _, port := range container.Ports {
		require.Equal(t, listens[port.Name], fmt.Sprintf(":%d", port.ContainerPort), port.Name)
	}
	require.Equal(t, "/etc/aftercall/aftercall.yaml", environ["AFTERCALL_CONFIG"])
	require.Equal(t, "/etc/aftercall", container.VolumeMounts[0].MountPath)
	small, err := readValues(chartFolder + "/ci/small.yaml")
	require.NoError(t, err)
	environ["AFTERCALL_CONFIG"] = filepath.Join(t.TempDir(), "aftercall.yaml")
	require.NoError(t, os.WriteFile(environ["AFTERCALL_CONFIG"], []byte(small["config"].(string)), 0o600))
	requireEnvironment(t, process, environ)

	grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
	if process == "worker" {
		require.Greater(t, grace, worker.StopTimeout)
		return
	}
	settings, _, err := config.Starter(environ)
	require.NoError(t, err)
	require.GreaterOrEqual(t, grace, settings.Drain+12*time.Second)
}

// checkMemory makes sure that Go knows the memory limit.
func checkMemory(t *testing.T, container core.Container) {
	i := slices.IndexFunc(container.Env, func(v core.EnvVar) bool { return v.Name == "GOMEMLIMIT" })
	require.GreaterOrEqual(t, i, 0)
	require.Equal(t, &core.ResourceFieldSelector{Resource: "limits.memory"}, container.Env[i].ValueFrom.ResourceFieldRef)
	require.False(t, container.Resources.Limits.Memory().IsZero())
}

// checkConfined makes sure that a pod runs without root and capabilities, and cannot
// write to its image.
func checkConfined(t *testing.T, pod *core.PodSpec) {
	require.True(t, *pod.SecurityContext.RunAsNonRoot)
	require.EqualValues(t, 65532, *pod.SecurityContext.RunAsUser, "as in the image")
	require.Equal(t, core.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
	require.False(t, *pod.AutomountServiceAccountToken)
	for _, c := range pod.Containers {
		require.True(t, *c.SecurityContext.ReadOnlyRootFilesystem)
		require.False(t, *c.SecurityContext.AllowPrivilegeEscalation)
		require.Equal(t, []core.Capability{"ALL"}, c.SecurityContext.Capabilities.Drop)
		for _, mount := range c.VolumeMounts {
			require.True(t, slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool { return v.Name == mount.Name }), mount.Name)
		}
	}
}

func checkScaledObject(t *testing.T, o *scaledObject, pods pods) {
	trigger := o.Spec.Triggers[0]
	require.Equal(t, "temporal", trigger.Type)
	for name := range trigger.Metadata {
		require.Contains(t, triggerMetadata, name)
	}
	environ := map[string]string{}
	for _, variable := range pods[o.Spec.ScaleTargetRef.Name].Spec.Containers[0].Env {
		environ[variable.Name] = variable.Value
	}
	for name, variable := range map[string]string{
		"endpoint": "TEMPORAL_ADDRESS", "namespace": "TEMPORAL_NAMESPACE", "taskQueue": "AFTERCALL_TASK_QUEUE",
		"workerDeploymentName": "AFTERCALL_DEPLOYMENT", "workerDeploymentBuildId": "AFTERCALL_BUILD_ID",
	} {
		require.Equal(t, environ[variable], trigger.Metadata[name], name)
	}
	require.LessOrEqual(t, o.Spec.MinReplicaCount, o.Spec.MaxReplicaCount)
}

// TestManifests builds what is written for those without Helm with kustomize.
func TestManifests(t *testing.T) {
	out := filepath.Join(t.TempDir(), "manifests")
	command := manifestsCommand{Out: out, Chart: chartFolder, Values: chartFolder + "/ci/full.yaml", Name: "aftercall", Namespace: "billing"}
	require.NoError(t, command.Run())
	overlay := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(overlay, "kustomization.yaml"), []byte(`
resources: [`+relative(t, overlay, out)+`]
images: [{name: registry.example.com/aftercall, newTag: 1.2.0}]
`), 0o600))
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), overlay)
	require.NoError(t, err)
	text, err := built.AsYaml()
	require.NoError(t, err)
	objects := strings.Split(string(text), "\n---\n")
	files, err := filepath.Glob(out + "/*.yaml")
	require.NoError(t, err)
	require.Len(t, objects, len(files)-1, "all but kustomization.yaml")
	deployments := 0
	for _, object := range objects {
		if d, ok := decode(t, object).(*apps.Deployment); ok {
			deployments++
			require.Equal(t, "billing", d.Namespace)
			require.Contains(t, d.Spec.Template.Spec.Containers[0].Image, ":1.2.0")
		}
	}
	require.Equal(t, 2, deployments)
}

func relative(t *testing.T, from, to string) string {
	t.Helper()
	path, err := filepath.Rel(from, to)
	require.NoError(t, err)
	return path
}
