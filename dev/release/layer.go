package main

import (
	"archive/tar"
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"path"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// file is a file of an image, a link if it has a target, or else a folder if it has no
// content.
type file struct {
	path    string
	mode    int64
	owner   int
	content []byte
	target  string
}

// baseFiles are those besides the program. Time zones are in the program itself.
func baseFiles(certificates []byte) []file {
	return []file{
		{path: "/etc/passwd", mode: 0o644, content: fmt.Appendf(nil, "root:x:0:0:root:/:/sbin/nologin\naftercall:x:%d:%d:aftercall:%s:/sbin/nologin\n", user, user, stateFolder)},
		{path: "/etc/group", mode: 0o644, content: fmt.Appendf(nil, "root:x:0:\naftercall:x:%d:\n", user)},
		// Where Go looks first.
		{path: "/etc/ssl/certs/ca-certificates.crt", mode: 0o644, content: certificates},
		{path: "/tmp", mode: 0o1777},
		{path: stateFolder, mode: 0o700, owner: user},
	}
}

// certificates are Mozilla's, at the version of go.mod, as PEM: those of this
// machine would make another image on another machine. Certificates with
// constraints are left out, because PEM cannot express them.
func certificates() ([]byte, error) {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if err := pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// layerOf returns a layer with files and the folders above them, which is the same
// for the same files.
func layerOf(files []file) (v1.Layer, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range withParents(files) {
		header := &tar.Header{
			Name: f.path[1:], Mode: f.mode, Uid: f.owner, Gid: f.owner, Size: int64(len(f.content)),
			Linkname: f.target, Typeflag: tar.TypeReg, ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		switch {
		case f.target != "":
			header.Typeflag = tar.TypeSymlink
		case f.content == nil:
			header.Typeflag, header.Name = tar.TypeDir, header.Name+"/"
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(out.Bytes())), nil
	}, tarball.WithMediaType(types.OCILayer))
}

// withParents puts the folders of each file before it.
func withParents(files []file) []file {
	var all []file
	known := func(name string) bool { return slices.ContainsFunc(all, func(f file) bool { return f.path == name }) }
	var add func(f file)
	add = func(f file) {
		if parent := path.Dir(f.path); parent != "/" && !known(parent) {
			add(file{path: parent, mode: 0o755})
		}
		all = append(all, f)
	}
	for _, f := range files {
		add(f)
	}
	return all
}
