package main

import (
	"archive/tar"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/stretchr/testify/require"

	"aftercall/dev/local"
	"aftercall/dev/tencentsim"
	"aftercall/internal/testenv"
	"aftercall/workflows"
)

// TestImage builds the image for this machine, looks at it, and charges a call
// through starter and worker that run in it.
func TestImage(t *testing.T) {
	root, err := filepath.Abs("../..")
	require.NoError(t, err)
	folder := filepath.Join(t.TempDir(), "image")
	command := imageCommand{Out: folder, Program: aftercall, Platforms: []string{"linux/" + runtime.GOARCH}}
	require.NoError(t, command.Run(t.Context(), &commands{Root: root}))
	image, bom := read(t, folder)

	t.Run("a second build is the same", func(t *testing.T) {
		again := imageCommand{Out: filepath.Join(t.TempDir(), "again"), Program: aftercall, Platforms: command.Platforms}
		require.NoError(t, again.Run(t.Context(), &commands{Root: root}))
		require.Equal(t, contents(t, folder), contents(t, again.Out))
	})
	t.Run("skopeo reads it", func(t *testing.T) {
		skopeo, ok := testenv.Program(t, "skopeo", "install Debian's package skopeo")
		if !ok {
			return
		}
		copied := "docker-archive:" + filepath.Join(t.TempDir(), "image.tar") + ":registry.example.com/aftercall:latest"
		out, err := exec.CommandContext(t.Context(), skopeo, "--insecure-policy", "copy", "oci:"+folder, copied).CombinedOutput()
		require.NoError(t, err, string(out))
	})
	t.Run("files", func(t *testing.T) { testFiles(t, image) })
	t.Run("configuration", func(t *testing.T) { testConfiguration(t, image) })
	t.Run("SBOM", func(t *testing.T) { testSBOM(t, image, bom) })
	t.Run("a call", func(t *testing.T) { testCall(t, root, image) })
}

// read reads the image and its SBOM from a layout.
func read(t *testing.T, folder string) (image, bom v1.Image) {
	t.Helper()
	index, err := readLayout(folder)
	require.NoError(t, err)
	manifest, err := index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, manifest.Manifests, 2)
	require.Equal(t, "linux/"+runtime.GOARCH, manifest.Manifests[0].Platform.String())
	require.Equal(t, sbomType, manifest.Manifests[1].ArtifactType)
	image, err = index.Image(manifest.Manifests[0].Digest)
	require.NoError(t, err)
	bom, err = index.Image(manifest.Manifests[1].Digest)
	require.NoError(t, err)
	return image, bom
}

func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, folder)] = string(content)
		return err
	}))
	return files
}

// walk calls f for each file of the image.
func walk(t *testing.T, image v1.Image, f func(header *tar.Header, content io.Reader)) {
	t.Helper()
	files := mutate.Extract(image)
	defer files.Close()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		f(header, r)
	}
}

func testFiles(t *testing.T, image v1.Image) {
	owners, links := map[string]int{}, map[string]string{}
	var certificates []byte
	walk(t, image, func(header *tar.Header, content io.Reader) {
		if header.Typeflag == tar.TypeReg {
			owners[header.Name] = header.Uid
			require.Zero(t, header.Mode&0o022, "%s can be changed by others", header.Name)
		}
		if header.Typeflag == tar.TypeSymlink {
			links[header.Name] = header.Linkname
		}
		if header.Name == "var/lib/aftercall/" {
			require.Equal(t, user, header.Uid)
			require.Equal(t, int64(0o700), header.Mode)
		}
		if strings.HasSuffix(header.Name, "ca-certificates.crt") {
			var err error
			certificates, err = io.ReadAll(content)
			require.NoError(t, err)
		}
	})
	require.Equal(t, map[string]int{
		"etc/passwd": 0, "etc/group": 0, "etc/ssl/certs/ca-certificates.crt": 0, "usr/local/bin/aftercall": 0,
	}, owners, "nothing else")
	require.Equal(t, map[string]string{"usr/local/bin/starter": aftercall, "usr/local/bin/worker": aftercall}, links)
	require.True(t, x509.NewCertPool().AppendCertsFromPEM(certificates))
	require.Greater(t, strings.Count(string(certificates), "BEGIN CERTIFICATE"), 100)
}

func testConfiguration(t *testing.T, image v1.Image) {
	config, err := image.ConfigFile()
	require.NoError(t, err)
	require.Equal(t, "65532:65532", config.Config.User)
	require.Equal(t, []string{"/usr/local/bin/aftercall"}, config.Config.Entrypoint)
	manifest, err := image.Manifest()
	require.NoError(t, err)
	require.Equal(t, config.Config.Labels, manifest.Annotations)
	names := []string{"title", "description", "version", "created"}
	if git, err := os.Stat("../../.git"); err == nil && git.IsDir() { // Go records no commit in a worktree
		names = append(names, "revision")
	}
	require.Len(t, config.Config.Labels, len(names))
	for _, name := range names {
		require.NotEmpty(t, config.Config.Labels["org.opencontainers.image."+name], name)
	}
}

func testSBOM(t *testing.T, image, bom v1.Image) {
	digest, err := image.Digest()
	require.NoError(t, err)
	manifest, err := bom.Manifest()
	require.NoError(t, err)
	require.Equal(t, digest, manifest.Subject.Digest)
	layers, err := bom.Layers()
	require.NoError(t, err)
	content, err := layers[0].Uncompressed()
	require.NoError(t, err)
	defer content.Close()
	var read cyclonedx.BOM
	require.NoError(t, cyclonedx.NewBOMDecoder(content, cyclonedx.BOMFileFormatJSON).Decode(&read))
	names := map[string]string{}
	for _, c := range *read.Components {
		names[c.Name] = c.Version
	}
	require.Equal(t, runtime.Version(), names["stdlib"])
	require.NotEmpty(t, names["go.temporal.io/sdk"])
	require.NotContains(t, names, "github.com/alicebob/miniredis/v2", "only what is linked")
}

// forward runs a program and forwards SIGTERM to its child: bwrap does not.
const forward = `"$@" & trap 'pkill -TERM -P $!' TERM
while :; do
  wait $!; code=$?
  kill -0 $! 2>/dev/null || exit $code
done`

// testCall runs starter and worker from the image as its root: read-only, as its
// user, without capabilities.
func testCall(t *testing.T, root string, image v1.Image) {
	if runtime.GOOS != "linux" {
		return
	}
	bwrap, ok := testenv.Program(t, "bwrap", "install Debian's package bubblewrap")
	if !ok {
		return
	}
	state := t.TempDir()
	sandbox := sandboxOf(t, image, root, state)
	entrypoint := slices.Clip(append(sandbox, programFolder+aftercall))
	ports, err := local.FreePorts(local.Dev)
	require.NoError(t, err)
	temporal, err := local.TemporalPath(t.Context(), root)
	require.NoError(t, err)
	stack, err := local.Start(t.Context(), local.Options{
		Root: root, Dir: state, Topology: local.Dev, Ports: ports, Temporal: temporal, Isolated: true,
		Starter: local.Service{Program: "/bin/sh", Args: append([]string{"-c", forward, "sh", bwrap}, append(entrypoint, "starter")...)},
		Worker:  local.Service{Program: "/bin/sh", Args: append([]string{"-c", forward, "sh", bwrap}, append(sandbox, programFolder+"worker")...)},
		Logger:  slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	defer func() { require.NoError(t, stack.Stop(context.WithoutCancel(t.Context()))) }()

	call, err := stack.Tencent.PlaceCall(tencentsim.CallSpec{SDKAppID: 1400000000, Seconds: 61})
	require.NoError(t, err)
	followed, err := local.Follow(t.Context(), stack.Temporal, call)
	require.NoError(t, err)
	require.NoError(t, followed.Err)
	require.Equal(t, workflows.OutcomeCharged, followed.Result.Outcome)
	require.Equal(t, "0.24", followed.Result.Amount)
	require.Equal(t, 1, stack.Arrivals("crm", call.Record.CallID))

	requireConfined(t, state)
	for process, port := range map[string]int{"starter": ports.StarterAdmins[0], "worker": ports.WorkerAdmins[0]} {
		health := exec.CommandContext(t.Context(), bwrap, append(entrypoint, "health", process)...)
		health.Env = []string{"AFTERCALL_ADMIN_LISTEN=127.0.0.1:" + strconv.Itoa(port)}
		out, err := health.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "healthy")
	}
	zone := exec.CommandContext(t.Context(), bwrap, append(entrypoint, "ledger", "report", "--zone", "Asia/Shanghai")...)
	zone.Env = []string{"LEDGER_URL=" + stack.LedgerURL()}
	out, err := zone.CombinedOutput()
	require.NoError(t, err, string(out))
}

// sandboxOf unpacks the image, and returns the arguments with which bwrap runs its
// programs. The state folder and the configuration keep their paths.
func sandboxOf(t *testing.T, image v1.Image, root, state string) []string {
	t.Helper()
	unpacked := t.TempDir()
	walk(t, image, func(header *tar.Header, content io.Reader) {
		path := filepath.Join(unpacked, filepath.Clean("/"+header.Name))
		if header.Typeflag == tar.TypeDir {
			require.NoError(t, os.MkdirAll(path, header.FileInfo().Mode()))
			return
		}
		if header.Typeflag == tar.TypeSymlink {
			require.NoError(t, os.Symlink(header.Linkname, path))
			return
		}
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, header.FileInfo().Mode())
		require.NoError(t, err)
		_, err = io.Copy(f, content)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	})
	config, err := image.ConfigFile()
	require.NoError(t, err)
	uid, gid, _ := strings.Cut(config.Config.User, ":")
	configuration := filepath.Join(root, "dev", "aftercall.yaml")
	args := []string{
		"--unshare-user", "--uid", uid, "--gid", gid, "--cap-drop", "ALL", "--die-with-parent",
		"--bind", unpacked, "/", "--bind", state, state, "--ro-bind", configuration, configuration,
		"--proc", "/proc", "--dev", "/dev", "--remount-ro", "/", "--chdir", config.Config.WorkingDir,
	}
	return slices.Clip(append(args, "--"))
}

// requireConfined looks at the running processes of the stack whose state is in a folder.
func requireConfined(t *testing.T, state string) {
	t.Helper()
	found := 0
	processes, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	for _, process := range processes {
		environ, err := os.ReadFile(process + "/environ")
		exe, linkErr := os.Readlink(process + "/exe")
		if err != nil || linkErr != nil || exe != programFolder+aftercall || !strings.Contains(string(environ), state) {
			continue // also of a process that has just ended
		}
		found++
		status, err := os.ReadFile(process + "/status")
		require.NoError(t, err)
		for _, line := range []string{"CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"} {
			require.Contains(t, string(status), line)
		}
		require.ErrorIs(t, os.WriteFile(process+"/root/etc/new", nil, 0o600), syscall.EROFS)
	}
	require.Equal(t, 2, found)
}
