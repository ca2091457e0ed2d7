// SPDX-License-Identifier: GPL-3.0-or-later

// A container runtime that runs nothing and is always ready, on the socket
// given, so that a kubelet has one. Built inside the tree of Kubernetes.
package main

import (
	"log"
	"os"

	"k8s.io/kubernetes/pkg/kubelet/cri/remote/fake"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: fakeruntime unix://SOCKET")
	}
	if err := fake.NewFakeRemoteRuntime().Start(os.Args[1]); err != nil {
		log.Fatal(err)
	}
	select {}
}
