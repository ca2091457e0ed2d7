// SPDX-License-Identifier: GPL-3.0-or-later

// The strongest rival there could be: crypto/x509, goroutines, no ledger, no
// checks, as few system calls as the work allows, key generation and signing
// fed from buffered random bytes, a lazy garbage collector.
//
// It makes what a skeleton shows: a bundle that kpki made for the node
// "skeleton-node".  Directories, modes, the link and the texts are copied from
// it with the node's name put in; keys and certificates are made.
package main

import (
	"bufio"
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const skeletonName = "skeleton-node"

type node struct {
	name string
	dns  []string
	ips  []net.IP
}

type authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

type content int

const (
	text content = iota
	directory
	link
	clientPair
	servingCertificate
	servingKey
)

type entry struct {
	path   string
	mode   uint32
	kind   content
	pieces []string // of a text, around the node's name; or the link's target
}

type program struct {
	entries   []entry
	serving   bool
	ca        authority
	keyType   string
	sync      bool
	notBefore time.Time
	notAfter  time.Time
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func pemBlock(path string) []byte {
	bytes, err := os.ReadFile(path)
	must(err)
	block, _ := pem.Decode(bytes)
	if block == nil {
		log.Fatalf("%s: no PEM", path)
	}
	return block.Bytes
}

func readAuthority(dir string) authority {
	certificate, err := x509.ParseCertificate(pemBlock(filepath.Join(dir, "ca.crt")))
	must(err)
	key, err := x509.ParsePKCS8PrivateKey(pemBlock(filepath.Join(dir, "ca.key")))
	must(err)
	return authority{certificate, key.(crypto.Signer)}
}

// Two kinds of lines: "- name: NAME" and "addresses: [A, B]".
func readInventory(path string, most int) (nodes []node) {
	bytes, err := os.ReadFile(path)
	must(err)
	for _, line := range strings.Split(string(bytes), "\n") {
		line = strings.TrimSpace(line)
		if name, found := cut(line, "- name: "); found {
			if most > 0 && len(nodes) == most {
				break
			}
			nodes = append(nodes, node{name: name})
		} else if list, found := cut(line, "addresses: ["); found {
			n := &nodes[len(nodes)-1]
			for _, address := range strings.Split(strings.TrimSuffix(list, "]"), ", ") {
				if ip := net.ParseIP(address); ip != nil {
					n.ips = append(n.ips, ip)
				} else {
					n.dns = append(n.dns, address)
				}
			}
		}
	}
	return nodes
}

func cut(line, prefix string) (rest string, found bool) {
	return strings.TrimPrefix(line, prefix), strings.HasPrefix(line, prefix)
}

func entryOf(root, path string, info os.FileInfo) entry {
	e := entry{path: strings.TrimPrefix(path, root), mode: uint32(info.Mode().Perm())}
	base := filepath.Base(path)
	switch {
	case info.IsDir():
		e.kind = directory
	case info.Mode()&os.ModeSymlink != 0:
		target, err := os.Readlink(path)
		must(err)
		e.kind, e.pieces = link, []string{target}
	case strings.HasPrefix(base, "kubelet-client-"):
		e.kind = clientPair
	case base == "kubelet.crt":
		e.kind = servingCertificate
	case base == "kubelet.key":
		e.kind = servingKey
	default:
		bytes, err := os.ReadFile(path)
		must(err)
		e.pieces = strings.Split(string(bytes), skeletonName)
	}
	return e
}

func (p *program) readSkeleton(root string) {
	must(filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		must(err)
		e := entryOf(root, path, info)
		p.serving = p.serving || e.kind == servingKey
		p.entries = append(p.entries, e)
		return nil
	}))
}

type worker struct {
	*program
	random io.Reader
	stage  string
}

func (w *worker) newKey() crypto.Signer {
	if w.keyType == "rsa-2048" {
		key, err := rsa.GenerateKey(w.random, 2048)
		must(err)
		return key
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), w.random)
	must(err)
	return key
}

func keyID(public crypto.PublicKey) []byte {
	var bytes []byte
	switch key := public.(type) {
	case *ecdsa.PublicKey:
		bytes = elliptic.Marshal(key.Curve, key.X, key.Y)
	case *rsa.PublicKey:
		bytes = x509.MarshalPKCS1PublicKey(key)
	}
	sum := sha256.Sum256(bytes)
	return sum[:20]
}

func (w *worker) template(n *node, public crypto.PublicKey) *x509.Certificate {
	serial := make([]byte, 16)
	_, err := io.ReadFull(w.random, serial)
	must(err)
	serial[0] &= 0x7f
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject: pkix.Name{
			Organization: []string{"system:nodes"},
			CommonName:   "system:node:" + n.name,
		},
		NotBefore:             w.notBefore,
		NotAfter:              w.notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		SubjectKeyId:          keyID(public),
	}
	if w.keyType == "rsa-2048" {
		template.KeyUsage |= x509.KeyUsageKeyEncipherment
	}
	return template
}

// The PEM of a new certificate and of its key.
func (w *worker) pair(n *node, serving bool) (certificate, key []byte) {
	signer := w.newKey()
	template := w.template(n, signer.Public())
	if serving {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.DNSNames = append([]string{n.name}, n.dns...)
		template.IPAddresses = n.ips
	} else {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	der, err := x509.CreateCertificate(w.random, template, w.ca.certificate,
		signer.Public(), w.ca.key)
	must(err)
	pkcs8, err := x509.MarshalPKCS8PrivateKey(signer)
	must(err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func (w *worker) writeFile(path string, mode uint32, bytes []byte) {
	fd, err := syscall.Open(path, syscall.O_WRONLY|syscall.O_CREAT|
		syscall.O_EXCL|syscall.O_CLOEXEC, mode)
	must(err)
	for len(bytes) > 0 {
		n, err := syscall.Write(fd, bytes)
		must(err)
		bytes = bytes[n:]
	}
	if w.sync {
		must(syscall.Fsync(fd))
	}
	must(syscall.Close(fd))
}

func syncDirectory(path string) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	must(err)
	must(syscall.Fsync(fd))
	must(syscall.Close(fd))
}

func (w *worker) bundle(n *node) {
	var servingPEM, servingKeyPEM []byte
	clientPEM, clientKeyPEM := w.pair(n, false)
	if w.serving {
		servingPEM, servingKeyPEM = w.pair(n, true)
	}
	root := w.stage + n.name
	for i := range w.entries {
		e := &w.entries[i]
		path := root + e.path
		switch e.kind {
		case directory:
			must(syscall.Mkdir(path, e.mode))
		case link:
			must(syscall.Symlink(e.pieces[0], path))
		case clientPair:
			w.writeFile(path, e.mode, bytes.Join([][]byte{clientPEM, clientKeyPEM}, nil))
		case servingCertificate:
			w.writeFile(path, e.mode, servingPEM)
		case servingKey:
			w.writeFile(path, e.mode, servingKeyPEM)
		case text:
			w.writeFile(path, e.mode, []byte(strings.Join(e.pieces, n.name)))
		}
	}
	if !w.sync {
		return
	}
	for i := len(w.entries) - 1; i >= 0; i-- {
		if w.entries[i].kind == directory {
			syncDirectory(root + w.entries[i].path)
		}
	}
	must(syscall.Rename(root, n.name))
}

// A staging directory for each worker: one shared parent does not scale.  The
// renames are made durable once, at the end, not node by node.
func (p *program) run(nodes []node, workers int) {
	var next int64 = -1
	var group sync.WaitGroup
	for i := 0; i < workers; i++ {
		w := worker{program: p, random: bufio.NewReaderSize(rand.Reader, 4096)}
		if p.sync {
			w.stage = fmt.Sprintf(".stage-%d/", i)
			must(syscall.Mkdir(w.stage, 0700))
		}
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				i := atomic.AddInt64(&next, 1)
				if i >= int64(len(nodes)) {
					return
				}
				w.bundle(&nodes[i])
			}
		}()
	}
	group.Wait()
	if p.sync {
		for i := 0; i < workers; i++ {
			must(syscall.Rmdir(fmt.Sprintf(".stage-%d", i)))
		}
		syncDirectory(".")
	}
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("peer: ")
	inventory := flag.String("inventory", "", "the nodes")
	most := flag.Int("n", 0, "only the first `N`")
	workers := flag.Int("workers", 2, "goroutines")
	fsync := flag.Bool("fsync", false, "fsync each file and directory, rename into place")
	out := flag.String("out", "", "directory to make")
	ca := flag.String("ca", "", "directory of ca.crt and ca.key")
	skeleton := flag.String("skeleton", "", "a bundle for the node "+skeletonName)
	keyType := flag.String("key-type", "ecdsa-p256", "ecdsa-p256 or rsa-2048")
	flag.Parse()

	debug.SetGCPercent(800)
	syscall.Umask(022)
	now := time.Now()
	p := &program{
		ca:        readAuthority(*ca),
		keyType:   *keyType,
		sync:      *fsync,
		notBefore: now.Add(-5 * time.Minute),
		notAfter:  now.AddDate(1, 0, 0),
	}
	p.readSkeleton(*skeleton)
	nodes := readInventory(*inventory, *most)
	must(os.Mkdir(*out, 0700))
	must(os.Chdir(*out))
	p.run(nodes, *workers)
}
